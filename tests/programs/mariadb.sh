#!/usr/bin/env bash
# tests/programs/mariadb.sh - a private mariadbd is initialised, loaded by mariadb-slap with many
# connections, and answers a script of queries as a plain server does.
source "$(dirname "$0")/lib.sh"
need mariadbd mariadb-server-core
need mariadb-install-db mariadb-server-core
need mariadb-slap mariadb-client

SOCKET=$WORK/mariadb.sock
USER_NAME=$(id -un)
LOGIN=(--no-defaults --socket="$SOCKET" --user=root)

# install MODE: the system tables, made by a mariadbd in its bootstrap mode.
install() {
    "run_$1" install mariadb-install-db --no-defaults --user="$USER_NAME" \
        --datadir="$WORK/$1/data" --auth-root-authentication-method=normal --skip-test-db \
        --innodb-log-file-size=8M --innodb-buffer-pool-size=32M
}

start() {
    start_server "$1" "$2" mariadbd --no-defaults --user="$USER_NAME" --datadir="$WORK/$1/data" \
        --socket="$SOCKET" --skip-networking --pid-file="$WORK/$1/pid" --tmpdir="$WORK/tmp" \
        --innodb-buffer-pool-size=32M --innodb-log-file-size=8M --key-buffer-size=4M \
        --innodb-flush-log-at-trx-commit=0 --max-connections=100 --thread-cache-size=4 \
        --innodb-use-native-aio=0
    wait_for 60 mariadb-admin "${LOGIN[@]}" ping
    [[ $1 == plain ]] || check_mapped "$SERVER"
}

queries() {
    timeout 60 mariadb "${LOGIN[@]}" --batch <"$INPUT/mariadb.sql" >"$WORK/$1/answers" ||
        fail "the queries failed on the $1 server"
}

# The connections come and go, and a part of them in bursts.
slap() {
    client "slap$1" mariadb-slap "${LOGIN[@]}" --auto-generate-sql \
        --auto-generate-sql-load-type=mixed --auto-generate-sql-add-autoincrement \
        --auto-generate-sql-unique-query-number=20 --number-int-cols=4 --number-char-cols=12 \
        --concurrency="$1" --number-of-queries="$2" --iterations=2 --detach="$3"
    grep -q 'Average number of queries per client' "$CLIENT" || fail "mariadb-slap told nothing"
}

install plain
start plain server
queries plain
stop_server
[[ $(wc -l <"$WORK/plain/answers") -gt 60 ]] || fail "the plain server answers too little"

install preloaded
start preloaded server
slap 8 1600 0
slap 40 2000 10
queries preloaded
check_same "the answers" "$WORK/plain/answers" "$WORK/preloaded/answers"
slap 20 1000 5
stop_server

# A second start reads what the first one wrote; the plain server checks it.
start preloaded again
timeout 60 mariadb "${LOGIN[@]}" --batch -e 'CHECK TABLE test_data.item EXTENDED' >"$WORK/check"
grep -q 'status.*OK' "$WORK/check" || fail "the table is damaged: $(<"$WORK/check")"
stop_server
check_quiet install
check_quiet server
check_quiet again
say "$(wc -l <"$WORK/plain/answers") lines of answers equal"
