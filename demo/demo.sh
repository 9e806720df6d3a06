#!/bin/bash
# The main job in front of your eyes: four peers on this host share, find and fetch files, and lose one of them.
#
# usage: demo/demo.sh    (make demo builds and calls it; PEER_BINARIES names the directory of the binaries)
#
# Each peer runs in a directory of its own beneath a temporary one, to which the relative paths of demo/peerN.json
# lead. Whatever happens, the daemons and that directory are gone afterwards.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PATH=${PEER_BINARIES:-$here/../.build/release}:$PATH
# shellcheck source=demo/stage.sh
source "$here/stage.sh"

# --- The parts of the demonstration -----------------------------------------------------------------------------------

# make_file PEER NAME SIZE
make_file() {
    mkdir -p "$work/$1/share/$(dirname "$2")"
    head -c "$3" /dev/urandom >"$work/$1/share/$2"
    say "$1 shares $2 ($3)"
}

start_peer() {
    local name=peer$1
    show "cd $name && p2p-peer --config demo/$name.json"
    (cd "$work/$name" && exec p2p-peer --config "$here/$name.json" >log 2>&1) &
    pids[$1]=$!
}

is_healthy() { curl -fs "http://127.0.0.1:800$1/health" 2>/dev/null | jq -e '.status == "ok"' >/dev/null; }

# alive_peers PEER: how many others it holds for alive.
alive_peers() {
    p2padm peers --json --socket "$work/peer$1/admin.sock" | jq -s '[.[] | select(.peer.state == "alive")] | length'
}

knows_three() { [[ $(alive_peers "$1") == 3 ]]; }

is_indexed() {
    p2padm status --json --socket "$work/peer$1/admin.sock" |
        jq -e '.status.catalog | .files > 0 and .hashed == .files' >/dev/null
}

# --- The demonstration ------------------------------------------------------------------------------------------------

printf '%sp2p-peer: four peers share, search and fetch%s\n' "$bold" "$plain"
check_programs p2p-peer p2padm curl jq sha256sum

step "Four directories with files of different sizes"
check_ports 800{1..4} 5005{1..4} 900{1..4}
work=$(mktemp -d "${TMPDIR:-/tmp}/p2p-demo.XXXXXX")
make_file peer1 'report-notes.txt' 4K
make_file peer2 'Report del año 2026.pdf' 3M
make_file peer3 'reports/report-2026-q3.parquet' 12M
make_file peer4 'report-archive.img' 64M

step "Four daemons, each from its own peerN.json"
for number in 1 2 3 4; do start_peer "$number"; done
for number in 1 2 3 4; do wait_for 20 "GET /health of peer$number" is_healthy "$number"; done
run curl -s http://127.0.0.1:8001/health
echo
good "all four answer"
export P2PADM_SOCKET=$work/peer1/admin.sock

step "Bootstrap: peer1 and peer2 are the friends through which everybody joins"
show curl -s -X POST http://127.0.0.1:8004/bootstrap
curl -fs -X POST http://127.0.0.1:8004/bootstrap | jq -c .
run p2padm bootstrap
for number in 1 2 3 4; do wait_for 20 "peer$number to know the three others" knows_three "$number"; done
run p2padm peers
good "each peer holds the three others for alive"

step "Search with fanout 3 and TTL 3"
for number in 1 2 3 4; do wait_for 20 "peer$number to have hashed what it shares" is_indexed "$number"; done
run p2padm search report --fanout 3 --ttl 3
reached=$(p2padm search report --fanout 3 --ttl 3 --json | jq 'select(.type == "coverage") | .coverage.reached')
[[ $reached == 4 ]] || fail "the search reached $reached peers instead of 4"
good "it reached all four"
show "curl 'http://127.0.0.1:8002/search?query=AÑO&fanout=3&ttl=3'"
curl -fsG http://127.0.0.1:8002/search --data-urlencode query=AÑO -d fanout=3 -d ttl=3 |
    jq -c '.results[] | {peer, files: [.files[].name]}'

step "Fetch 64 MiB from peer4 into peer1's shared directory, verified"
run p2padm get report-archive.img
show "sha256sum peer4/share/report-archive.img peer1/share/report-archive.img"
sent=$(cd "$work" && sha256sum peer4/share/report-archive.img)
received=$(cd "$work" && sha256sum peer1/share/report-archive.img)
printf '%s\n%s\n' "$sent" "$received"
[[ ${sent%% *} == "${received%% *}" ]] || fail "the SHA-256 differ"
good "the same SHA-256 at both ends"

step "Fetch a name with spaces and ñ, as yourself, out of the shared directory"
run p2padm get 'Report del año 2026.pdf@peer2' --output "$work/"
cmp "$work/Report del año 2026.pdf" "$work/peer2/share/Report del año 2026.pdf" || fail "the files differ"
good "byte for byte the same"

step "peer3 is killed: the search still answers, and says whom it could not reach"
show kill -KILL peer3
kill -KILL "${pids[3]}"
wait "${pids[3]}" 2>/dev/null || true
unset 'pids[3]'
show p2padm search report --fanout 3 --ttl 3
p2padm search report --fanout 3 --ttl 3 2> >(tee "$work/warnings" >&2)
wait_for 5 "peer3 among those that did not answer" grep -q 'http://127.0.0.1:8003' "$work/warnings"
good "three answered (exit code 0), and the one that is gone is named"

step "A clean end: SIGTERM, exit code 0"
end_daemons

printf '\n%sdemo: done in %d s%s\n' "$green" "$SECONDS" "$plain"
