#!/usr/bin/env bash
# tests/programs/python.sh - test modules of Python itself, with every object from malloc.
source "$(dirname "$0")/lib.sh"
need python3 python3
version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
python3 -c 'import test.test_list' 2>/dev/null ||
    skip "no test modules of python3 here (Debian package libpython$version-testsuite)"

python=(PYTHONMALLOC=malloc PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 python3)
check_loaded python3 env "${python[@]}" -c 'print(open("/proc/self/maps").read())'

# The tests of threads sleep most of the time, so both runs of them go on beside the others.
tests=(env "${python[@]}" "$INPUT/python_tests.py")
CWD=$WORK/cwd.1 run_plain threads "${tests[@]}" test_threading test_thread test_threading_local &
plain=$!
CWD=$WORK/cwd.2 run_preloaded threads "${tests[@]}" test_threading test_thread \
    test_threading_local &
preloaded=$!

# Everything that lives on many small objects, and the memory errors of far too large ones.
same objects "${tests[@]}" test_list test_dict test_tuple test_deque test_bytes \
    test_string test_sort test_heapq test_json test_struct test_array test_memoryview \
    test_generators test_zlib
wait "$plain"
wait "$preloaded"
compare threads
say "all equal: $(wc -l <"$WORK/plain/objects/stdout") and" \
    "$(wc -l <"$WORK/plain/threads/stdout") lines"
