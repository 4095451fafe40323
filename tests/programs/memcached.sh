#!/usr/bin/env bash
# tests/programs/memcached.sh - memcached with four threads under a load of clients which verify
# every value they read, with room for all values and with too little, and with connections that
# come and go.
source "$(dirname "$0")/lib.sh"
need memcached memcached
need python3 python3

SOCKET=$WORK/memcached.sock
USER_NAME=$(id -un)

# round RUN OPTIONS...: one server and the load on it.
round() {
    local run=$1
    shift
    start_server preloaded "$run" memcached -u "$USER_NAME" -s "$SOCKET" -t 4 -U 0 -c 512 "$@"
    wait_for 20 test -S "$SOCKET"
    check_mapped "$SERVER"
    client "$run.load" python3 "$INPUT/memcached_load.py" "$SOCKET" 8 10
    say "$run: $(<"$CLIENT")"
    stop_server
    rm -f "$SOCKET"
    check_quiet "$run"
}

check_loaded python3 python3 -c pass
round plenty -m 256
round evicting -m 24 -I 2m
say "every value read was the value written"
