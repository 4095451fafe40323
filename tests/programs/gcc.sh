#!/usr/bin/env bash
# tests/programs/gcc.sh - gcc and g++ compile generated and real sources to identical objects.
source "$(dirname "$0")/lib.sh"
need gcc gcc
need g++ g++
need perl perl

check_loaded cc1 gcc -x c -c -o /dev/null "$INPUT/hello.c"
check_loaded cc1plus g++ -x c++ -c -o /dev/null "$INPUT/hello.c"
check_loaded as gcc -x c -c -o /dev/null "$INPUT/hello.c"
source "$INPUT/compile.bash"
compile_all gcc g++
