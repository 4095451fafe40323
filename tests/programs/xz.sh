#!/usr/bin/env bash
# tests/programs/xz.sh - compression and decompression by two threads: the same bytes out, and the
# same bytes back.
source "$(dirname "$0")/lib.sh"
need xz xz-utils

check_loaded xz xz --version
awk 'BEGIN { x = 99; for (i = 0; i < 250000; i++) {
    x = (x * 1103515245 + 12345) % 2147483648; print x % 65536, "entry", x % 64, i % 1000 } }' \
    >"$WORK/data"
for ((i = 0; i < 120; i++)); do head -c "$((i * 997))" "$WORK/data"; done >>"$WORK/data.more"
cat "$WORK/data.more" >>"$WORK/data"

same compress xz -T2 -1 --block-size=3MiB -k -c "$WORK/data"
packed=$WORK/preloaded/compress/stdout
same expand xz -T2 -d -c "$packed"
check_same "the data after the round trip" "$WORK/data" "$WORK/preloaded/expand/stdout"
same list xz --robot -l -vv "$packed"
same best xz -T2 -6 --block-size=1MiB -c "$WORK/data.more"
say "all equal: $(stat -c %s "$WORK/data") -> $(stat -c %s "$packed") bytes"
