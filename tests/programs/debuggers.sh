#!/usr/bin/env bash
# tests/programs/debuggers.sh - gdb with its built-in python and valgrind's launcher start on the
# library.
source "$(dirname "$0")/lib.sh"
need gdb gdb
need valgrind valgrind
need gcc gcc

check_loaded gdb gdb --version
same version gdb --version
run_plain compile gcc -g -o hello "$INPUT/hello.c"
program=$WORK/plain/compile/files/hello
same symbols gdb -nx -batch -ex 'info line main' -ex 'disassemble main' -ex 'info functions' \
    -ex 'python print(sum(len(str(i)) for i in range(20000)))' "$program"
same valgrind valgrind --version
say "all equal"
