# pipelines.bash FILE - arrays, subshells, coprocesses, here-documents and long pipelines of bash
# over a file of rows "number index name".
set -euo pipefail

declare -A count=()
while read -r number index name; do
    count[$name]=$((${count[$name]:-0} + number % 1000 + index))
done < <(head -n 20000 "$1")
for name in "${!count[@]}"; do
    printf '%s=%d\n' "$name" "${count[$name]}"
done | sort -t = -k 2n | tail -n 20

words=()
for ((i = 0; i < 20000; i++)); do
    words+=("word$((i * 7919 % 10007))")
done
text="${words[*]}"
text=${text//word1/WORD-ONE}
printf '%s\n' "${#words[@]}" "${#text}" "$(cksum <<<"$text")"
printf '%s\n' "${words[@]/#word/w}" | sort -u | tac | sed -n 1,5p

coproc DOUBLE { while read -r n; do echo $((n * 2)); done; }
for i in 1 22 333; do
    echo "$i" >&"${DOUBLE[1]}"
    read -r doubled <&"${DOUBLE[0]}"
    echo "double $i $doubled"
done

for i in {1..60}; do
    (echo "part $i"; cut -d ' ' -f 1 "$1" | sed -n "$((i * 50))p") | paste -s -d ' ' | rev | rev &
    wait $!
done

fibonacci() {
    local n=$1
    ((n < 2)) && { echo "$n"; return; }
    echo $(($(fibonacci $((n - 1))) + $(fibonacci $((n - 2)))))
}
fibonacci 9
cat <<END | tr a-z A-Z
$(seq -s , 1 500)
END
