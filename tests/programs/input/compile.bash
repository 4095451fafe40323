# compile.bash - the part that gcc.sh and clang.sh share.
# shellcheck shell=bash

# compile_all CC CXX: objects of generated sources and of sources of this project are the same with
# and without the library, link-time optimisation included, and so is what the program prints.
compile_all() {
    local sources=$WORK/sources tree=$WORK/tree
    mkdir "$sources" "$tree"
    perl "$INPUT/generate.pl" "$sources"
    cp -r "$ROOT"/src "$ROOT"/include "$ROOT"/bench "$tree"
    cp "$tree"/src/base/*.c "$tree"/bench/kv/kv_[crst]*.c "$sources"
    (($(find "$sources" -name '*.c' | wc -l) > 5)) || fail "the sources of the project are missing"

    same build sh "$INPUT/build.sh" "$1" "$2" "$sources" -I "$tree/src" -I "$tree/include" \
        -I "$tree/bench" -I "$tree/bench/kv"
    compare_file build objects.sum
    say "all equal: $(wc -l <"$WORK/plain/build/files/objects.sum") objects and programs"
}
