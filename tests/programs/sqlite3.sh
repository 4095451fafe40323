#!/usr/bin/env bash
# tests/programs/sqlite3.sh - inserts, joins, windows, triggers, full text and a vacuum; the
# database file has to be the same too.
source "$(dirname "$0")/lib.sh"
need sqlite3 sqlite3

check_loaded sqlite3 sqlite3 :memory: 'SELECT 1'
same script sqlite3 -bail test.db ".read $INPUT/queries.sql"
compare_file script test.db
run_plain check sqlite3 "$WORK/preloaded/script/files/test.db" 'PRAGMA integrity_check'
[[ $(<"$WORK/plain/check/stdout") == ok ]] || fail "the database is damaged"
say "all equal"
