#!/usr/bin/env bash
# tests/programs/kv.sh - the key-value server under one allocator, every answer verified.
#
# usage: [ALLOC=path.so] kv.sh [DIR]
#   DIR     where kv_server and kv_load are; default: bench/kv beside ALLOC if it is there, else
#           build/release/bench/kv of this checkout
#   ALLOC   preloaded into server and load generator; unset or empty: libc's malloc
# Runs the rules of the protocol, a load over a Unix socket, and one over loopback with little
# memory (eviction) and many reconnects. Exit status 0: no error anywhere, and the server ended
# well on SIGTERM each time.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
alloc=${ALLOC:-}
[ -z "$alloc" ] || alloc=$(realpath -e "$alloc")
programs=$here/../../build/release/bench/kv
[ -z "$alloc" ] || [ ! -d "${alloc%/*}/bench/kv" ] || programs=${alloc%/*}/bench/kv
programs=${1:-$programs}
work=$(mktemp -d)
server=

cleanup() {
    [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

fail() {
    echo "kv: $*" >&2
    exit 1
}

# The loader only warns about what it cannot preload; the test would then prove nothing.
check_preload() {
    [ -z "$alloc" ] || grep -qF "$alloc" "/proc/$server/maps" || fail "$alloc is not preloaded"
}

start() {
    : >"$work/ready"
    LD_PRELOAD=$alloc "$programs/kv_server" "$@" >"$work/ready" &
    server=$!
    for _ in $(seq 400); do
        if grep -q ready "$work/ready"; then
            check_preload
            return
        fi
        kill -0 "$server" 2>/dev/null || return 1
        sleep 0.05
    done
    fail "the server is not ready"
}

stop() {
    local status=0
    kill -TERM "$server"
    wait "$server" || status=$?
    server=
    [ "$status" -eq 0 ] || fail "the server ended with $status"
}

# Ports may be taken by others: some more are tried.
start_loopback() {
    local try
    for try in 1 2 3 4 5 6 7 8; do
        port=$((20000 + (($$ * 8 + try) % 10000)))
        if start --listen "tcp:$port" "$@" 2>"$work/errors"; then
            return
        fi
    done
    cat "$work/errors" >&2
    fail "no port to listen on"
}

load() {
    local status=0
    LD_PRELOAD=$alloc timeout 200 "$programs/kv_load" "$@" >"$work/report" || status=$?
    cat "$work/report"
    [ "$status" -eq 0 ] || fail "the load ended with $status"
    grep -q '"errors": 0' "$work/report" || fail "no report without errors"
}

start --listen "unix:$work/socket" || fail "the server did not start"
timeout 200 python3 "$here/kv_protocol.py" "unix:$work/socket" || fail "protocol"
load --connect "unix:$work/socket" --keys 20000 --requests 300000 --seconds 60 --churn 2000
stop
[ ! -e "$work/socket" ] || fail "the socket file is still there"

start_loopback --memory 2 --workers 3 --shards 4
load --connect "tcp:$port" --keys 20000 --requests 200000 --seconds 60 --churn 200 \
    --connections 30 --threads 3 --pipeline 50
grep -q '"evicted": 0,' "$work/report" && fail "the load was meant to evict"
stop
echo "kv: good"
