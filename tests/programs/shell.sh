#!/usr/bin/env bash
# tests/programs/shell.sh - ls, find, sort, awk, sed, grep, tar, jq, and bash with pipelines,
# subshells and arrays.
source "$(dirname "$0")/lib.sh"
need jq jq

check_loaded ls ls /
check_loaded sort bash -c 'printf "%s\n" b a | sort'
check_loaded jq jq -n 1

same ls ls -lAR --time-style=full-iso /usr/share/perl /etc/alternatives
same find find /usr/share -xdev -type f -name '*[aeiou]?' -size -64k -printf '%s %p\n'

# sort: threads and, with the small buffer, temporary files to merge.
awk 'BEGIN { x = 42; for (i = 0; i < 120000; i++) {
    x = (x * 1103515245 + 12345) % 2147483648; print x, i, "row" x % 977 } }' >"$WORK/rows"
same sort_threads sort --parallel=2 -k 3,3 -k 1,1n "$WORK/rows"
same sort_merge sort -S 1M --batch-size=4 -k 1,1nr "$WORK/rows"
same awk awk '{ sum[$3] += $1; last[$3] = last[$3] substr($2, 1, 1) }
    END { for (name in sum) print name, sum[name], length(last[name]) | "sort" }' "$WORK/rows"
same sed sed -nE 's/^([0-9]+)([0-9]{3}) ([0-9]*[02468]) row(.*)$/\4:\2\1:\3/p' "$WORK/rows"
same grep grep -nE '(1[0-9]+7) .*row(9[0-4]+|[13579]{3})$' "$WORK/rows"
same tar sh -c 'tar -C /usr/share/perl -cf - --sort=name . | tee all.tar | gzip -n6 | cksum
    mkdir out && tar -C out -xf all.tar && find out -type f -print0 | sort -z | xargs -0 cksum'

# jq: a large document built, grouped, sorted and read again.
same jq_build jq -n '[range(8000) | {id: ., name: "n\(. * 7919 % 10007)", tags: [range(. % 5)],
    deep: {even: (. % 2 == 0), half: (. / 2)}}]'
cp "$WORK/plain/jq_build/stdout" "$WORK/rows.json"
same jq_group jq -S 'group_by(.tags | length) | map({tags: .[0].tags, count: length,
    best: (sort_by(.name) | .[-3:]), sum: (map(.deep.half) | add)})' "$WORK/rows.json"

same bash bash "$INPUT/pipelines.bash" "$WORK/rows"
say "all equal"
