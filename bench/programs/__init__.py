# bench/programs - real programs under an allocator; one module a kind, read by
# tools/lib/bench_programs.py.
