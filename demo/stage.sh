#!/bin/bash
# What the demonstrations have in common: telling, checking, cleaning up. Sourced by them.
#
# Daemons are in `pids`, by number, and write to $work/peerN/log. Whatever happens, they and $work are gone
# afterwards.
work=
declare -a pids=()
current="set up"
count=0

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' dim=$'\e[2m' plain=$'\e[0m'
else
    bold='' green='' red='' dim='' plain=''
fi

# --- Telling and checking ---------------------------------------------------------------------------------------------

step() {
    count=$((count + 1))
    current=$1
    printf '\n%s%d. %s%s\n' "$bold" "$count" "$current" "$plain"
}

say() { printf '   %s\n' "$1"; }
good() { printf '   %s✓%s %s\n' "$green" "$plain" "$1"; }

fail() {
    printf '   %s✗ %s%s\n' "$red" "$1" "$plain" >&2
    exit 1
}

# Prints a command so that it can be copied.
show() {
    local word line=
    for word; do
        [[ $word != *" "* || $# -eq 1 ]] || word="'$word'"
        line+=" $word"
    done
    printf '   %s$%s%s\n' "$dim" "$line" "$plain"
}

# Shows a command, then runs it.
run() {
    show "$@"
    "$@"
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        ((SECONDS < deadline)) || fail "waited in vain: $what"
        # A daemon that is gone will not get there any more.
        for number in "${!pids[@]}"; do
            kill -0 "${pids[$number]}" 2>/dev/null || fail "peer$number ended: $(tail -n 3 "$work/peer$number/log")"
        done
        sleep 0.05
    done
}

clean_up() {
    local status=$?
    trap - EXIT INT TERM
    if ((status != 0)); then
        printf '\n%sdemo: failed in step %d: %s%s\n' "$red" "$count" "$current" "$plain" >&2
        for log in ${work:+"$work"/peer*/log}; do
            [[ -s $log ]] || continue
            printf -- '--- %s\n' "${log#"$work"/}" >&2
            tail -n 5 "$log" >&2
        done
    fi
    for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    [[ -z $work ]] || rm -rf "$work"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# check_programs PROGRAM...
check_programs() {
    local program
    for program; do
        command -v "$program" >/dev/null || fail "$program is not installed: make demo sets it up"
    done
}

# check_ports PORT...
check_ports() {
    local port
    for port; do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            fail "port $port is in use by another program: stop it (ss -tlnp | grep $port), then try again"
        fi
    done
}

# end_daemons: SIGTERM, and each has to end with 0.
end_daemons() {
    local number status
    for number in "${!pids[@]}"; do kill -TERM "${pids[$number]}"; done
    for number in "${!pids[@]}"; do
        status=0
        wait "${pids[$number]}" || status=$?
        unset "pids[$number]"
        ((status == 0)) || fail "peer$number ended with exit code $status"
    done
    good "all have ended"
}
