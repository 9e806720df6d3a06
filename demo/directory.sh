#!/bin/bash
# The directory role in front of your eyes: one directory, and three peers that are configured by the files of the
# original system. They log in, are indexed and found; one is stopped, and noticed; a file is fetched and proved.
#
# usage: demo/directory.sh    (make demo-directory builds and calls it; PEER_BINARIES names the directory of the binaries)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PATH=${PEER_BINARIES:-$here/../.build/release}:$PATH
# shellcheck source=demo/stage.sh
source "$here/stage.sh"
directory=http://127.0.0.1:8000

# --- The parts of the demonstration -----------------------------------------------------------------------------------

# Number 0 is the directory. The original's files name no state, socket or heartbeat: variables do.
start_daemon() {
    local name=peer$1 file=$here/directory/peer$1.json
    [[ $1 != 0 ]] || file=$here/directory/directory.json
    show "cd $name && p2p-peer --config demo/directory/${file##*/}"
    mkdir -p "$work/$name/share"
    (cd "$work/$name" && P2P_STATE_DIR=state P2P_ADMIN_SOCKET=admin.sock P2P_BIND_ADDRESS=127.0.0.1 \
        P2P_DIRECTORY_HEARTBEAT_INTERVAL=1 exec p2p-peer --config "$file" >log 2>&1) &
    pids[$1]=$!
}

# adm NUMBER ARGUMENT...: p2padm at that daemon.
adm() {
    local number=$1
    shift
    P2PADM_SOCKET=$work/peer$number/admin.sock p2padm "$@"
}

answers() { curl -fs $directory/health >/dev/null; }
active_peers() { curl -fs $directory/peers_activos | jq -c '.peers | sort'; }
are_active() { [[ $(active_peers) == "$1" ]]; }
is_noted() { grep -qF "$1" "$work/peer0/log"; }
is_listed() { curl -fs $directory/ver_archivos | jq -e --arg name "$1" 'any(.archivos[]; .filename == $name)' >/dev/null; }

# --- The demonstration ------------------------------------------------------------------------------------------------

printf '%sp2p-peer: a directory, and three peers that log in%s\n' "$bold" "$plain"
check_programs p2p-peer p2padm curl jq sha256sum
check_ports 8000 5005{1..3}
work=$(mktemp -d "${TMPDIR:-/tmp}/p2p-demo.XXXXXX")

step "A directory with the accounts Peer1 to Peer3"
start_daemon 0
wait_for 20 "the directory to answer" answers
for number in 1 2 3; do
    show "p2padm user add Peer$number < password"
    adm 0 user add "Peer$number" <<<sd1234
done
run curl -s $directory/peers_activos
echo

step "Three peers with the original's configuration files log in and are indexed by themselves"
for number in 1 2 3; do
    mkdir -p "$work/peer$number/share"
    head -c "$((number * 3))M" /dev/urandom >"$work/peer$number/share/informe-$number.bin"
    start_daemon "$number"
done
wait_for 20 "all three to be active" are_active '["Peer1","Peer2","Peer3"]'
for number in 1 2 3; do wait_for 20 "informe-$number.bin to be listed" is_listed "informe-$number.bin"; done
run curl -s $directory/peers_activos
echo
show curl -s $directory/ver_archivos
curl -fs $directory/ver_archivos | jq -c '.archivos[]'
good "three peers, three files"

step "One is stopped: the directory notices, and says so"
show kill -KILL peer2
kill -KILL "${pids[2]}"
wait "${pids[2]}" 2>/dev/null || true
unset 'pids[2]'
wait_for 20 "Peer2 to be inactive" are_active '["Peer1","Peer3"]'
# Answers leave it out at once, the log is up to a second behind.
wait_for 5 "the log to say so" is_noted "Peer 'Peer2' se ha desconectado por inactividad"
grep -F "Peer 'Peer2' se ha desconectado por inactividad" "$work/peer0/log"
code=$(curl -s -o /dev/null -w '%{http_code}' "$directory/buscar_archivos?filename=informe-2.bin")
[[ $code == 404 ]] || fail "its file is still found: $code"
good "gone from /peers_activos, and its files from the answers"

step "Find a file at another peer"
run curl -s "$directory/buscar_archivos?filename=informe-3.bin"
echo
run adm 1 search informe-3 --via directory

step "Fetch it, and prove it"
run adm 1 get informe-3.bin
sent=$(cd "$work" && sha256sum peer3/share/informe-3.bin)
received=$(cd "$work" && sha256sum peer1/share/informe-3.bin)
printf '%s\n%s\n' "$sent" "$received"
[[ ${sent%% *} == "${received%% *}" ]] || fail "the SHA-256 differ"
good "on disk, with the same SHA-256"

step "The one that was stopped returns with its list"
start_daemon 2
wait_for 20 "all three to be active" are_active '["Peer1","Peer2","Peer3"]'
wait_for 20 "informe-2.bin to be listed" is_listed informe-2.bin
good "found again"

step "A clean end: SIGTERM, exit code 0"
end_daemons

printf '\n%sdemo: done in %d s%s\n' "$green" "$SECONDS" "$plain"
