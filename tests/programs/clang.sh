#!/usr/bin/env bash
# tests/programs/clang.sh - clang and clang++ compile generated and real sources to identical
# objects.
source "$(dirname "$0")/lib.sh"
need clang clang
need g++ g++
need perl perl

check_loaded clang clang -x c -c -o /dev/null "$INPUT/hello.c"
source "$INPUT/compile.bash"
compile_all clang clang++
