#!/usr/bin/env bash
# tests/programs/redis.sh - redis-server under redis-benchmark, with I/O threads and BGSAVE (forks
# of the busy server); its data set has the same digest as that of a plain server, and survives a
# restart from the dump.
source "$(dirname "$0")/lib.sh"
need redis-server redis-server
need redis-benchmark redis-tools

SOCKET=$WORK/redis.sock

# start MODE RUN FOLDER: a server with the dump of FOLDER, if there is one.
start() {
    mkdir -p "$3"
    start_server "$1" "$2" redis-server --port 0 --unixsocket "$SOCKET" --dir "$3" --save '' \
        --enable-debug-command yes --io-threads 2 --io-threads-do-reads yes \
        --logfile "$WORK/$1/$2/server.log"
    wait_for 20 cli ping
    [[ $1 == plain ]] || check_mapped "$SERVER"
}

cli() {
    timeout 60 redis-cli -e -s "$SOCKET" "$@"
}

bench() {
    timeout 200 redis-benchmark -s "$SOCKET" -q "$@"
}

digest() {
    cli debug digest
}

# fill: the same data in every server: strings of all sizes that are made, grown, shrunk and
# deleted, and the collection types in their small and large forms.
fill() {
    cli --eval "$INPUT/fill.lua" >/dev/null
    cli dbsize >"$WORK/dbsize"
}

# Requests of every kind; the random keys are flushed before the digest is taken.
load() {
    local tests=ping,set,get,incr,lpush,rpop,sadd,hset,spop,zadd,lrange_100,mset
    bench -t "$tests" -n 6000 -c 40 -P 4 -r 5000 -d 700 >"$WORK/bench" || fail "redis-benchmark"
    bench -t set,get -n 8000 -c 100 -r 20000 -d 10000 >>"$WORK/bench" || fail "redis-benchmark"
    [[ $(tr '\r' '\n' <"$WORK/bench" | grep -c 'requests per second') -ge 13 ]] ||
        fail "redis-benchmark did not finish its tests"
}

start plain one "$WORK/plain/data"
fill
expected=$(digest)
dbsize=$(<"$WORK/dbsize")
stop_server
[[ $expected =~ ^[0-9a-f]{40}$ && $expected != 0000* && $dbsize -gt 1000 ]] ||
    fail "the plain server gives no digest: $expected, $dbsize keys"

start preloaded two "$WORK/preloaded/data"
load
cli flushall >/dev/null
fill
[[ $(digest) == "$expected" ]] || fail "the data is not that of the plain server"

# Writes of other keys go on while the child of the fork writes the dump.
bench -t set -n 25000 -c 20 -r 3000 -d 3000 >"$WORK/bench.save" &
writer=$!
for ((round = 0; round < 5; round++)); do
    cli bgsave >/dev/null
    wait_for 30 sh -c "redis-cli -s '$SOCKET' info persistence | grep -q bgsave_in_progress:0"
    cli info persistence | grep -q 'last_bgsave_status:ok' || fail "BGSAVE failed"
done
[[ $(cli info persistence | tr -d '\r' | sed -n 's/^rdb_saves://p') -ge 5 ]] ||
    fail "BGSAVE wrote no dump"
wait "$writer" || fail "redis-benchmark during BGSAVE"
cli --eval "$INPUT/drop.lua" >/dev/null
[[ $(digest) == "$expected" ]] || fail "the data changed while it was saved"
cli save >/dev/null
cli memory purge >/dev/null
stop_server
check_quiet two

start preloaded three "$WORK/preloaded/data"
[[ $(digest) == "$expected" ]] || fail "the data read from the dump is not the data saved"
stop_server
start plain four "$WORK/preloaded/data"
[[ $(digest) == "$expected" ]] || fail "a plain server reads other data from the dump"
stop_server
check_quiet three
say "digest $expected of $dbsize keys in all four servers"
