#!/usr/bin/env python3
"""What TIDE_HARDENED=1 costs: processor time of rows of the benchmark and of real programs, as a
multiple of the default's. docs/security.md has a run of it.

  python3 tools/lib/bench_hardened.py BUILD [--rounds N] [--only ROW]... [--beside LIBRARY]...
                                        [--knobs]

All variants run in turns, round by round. A cell has the ratio of the least times and, in brackets,
the median of the rounds' ratios, which counts where the machine's speed drifts. BUILD is a build
folder with the benchmark; --beside adds another allocator's library, to be preloaded, or glibc;
--knobs adds the hardened library with one protection off. A run that fails is named with its
variant and does not count; "-" where none ended well. Exit status 1: one with our library was
among them.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys

ROWS = {"pairs_64": 40000, "pairs_mixed": 20000, "fifo_1k": 10000, "replace_64k": 2000,
        "tree_grow_shrink": 9000, "strings": 16000, "factorisation": 700, "containers_map": 900,
        "calloc_medium": 6000, "larson": 60, "medium_cycle": 6000, "large_cycle_8m": 12}
PYTHON = ("import json,re\nd={str(i):[i,str(i)*3,{'k':i*2}] for i in range(40000)}\n"
          "for _ in range(3): s=json.dumps(d); e=json.loads(s)\n"
          "print(len(re.findall('[0-9]+',s)), sum(len(k) for k in e))")
PERL = ("my %h; for my $i (1..150000) { $h{\"key$i\"} = join ',', map { $_ * $i } 1..4 } "
        "my $n = 0; for (sort keys %h) { $n += length $h{$_} } print \"$n\\n\"")
SQL = ("create table t(a integer, b text); with recursive c(x) as (select 1 union all select x+1 "
       "from c where x<100000) insert into t select x, hex(x)||x from c; "
       "create index i on t(b); select count(*), max(b) from t where b like '3%';")
C_FILE = "#include <stdio.h>\n" + "".join(
    f"int f{i}(int a) {{ for (int k = 0; k < {i}; k++) a = a * {i} + k; return a; }}\n"
    for i in range(600)) + "int main(void) { return f1(2); }\n"
PROGRAMS = {"python3": (["python3", "-c", PYTHON], None), "perl": (["perl", "-e", PERL], None),
            "sqlite3": (["sqlite3", ":memory:"], SQL),
            "gcc -O2": (["gcc", "-O2", "-x", "c", "-S", "-o", "/dev/null", "-"], C_FILE)}
KNOBS = ("CANARY", "ZERO_ON_FREE", "RANDOM_SLOTS", "QUARANTINE", "GUARD_PAGES", "RETIRED",
         "FAMILIES")


def environment_of(other):
    return {} if other == "glibc" else {"LD_PRELOAD": os.path.realpath(other)}


def variants(arguments):
    library = os.path.realpath(os.path.join(arguments.build, "libtidemalloc.so.1"))
    hard = {"LD_PRELOAD": library, "TIDE_HARDENED": "1"}
    yield "default", {"LD_PRELOAD": library}
    yield "hardened", hard
    for knob in KNOBS if arguments.knobs else ():
        yield "no " + knob.lower(), dict(hard, **{"TIDE_" + knob: "off"})
    for other in arguments.beside:
        yield os.path.basename(other), environment_of(other)


def seconds_of_row(build, row, extra):
    program = os.path.join(build, "bench", "bench_workloads")
    done = subprocess.run([program, "--run", row, "--steps", str(ROWS[row])], check=True,
                          env=dict(os.environ, **extra), stdout=subprocess.PIPE)
    return json.loads(done.stdout)["cpu_seconds"]


def seconds_of_program(command, text, extra):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, env=dict(os.environ, **extra), input=text, text=True,
                   stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def jobs(build):
    for row in ROWS:
        yield row, lambda extra, row=row: seconds_of_row(build, row, extra)
    for name, (command, text) in PROGRAMS.items():
        yield name, lambda extra, c=command, t=text: seconds_of_program(c, t, extra)


def cell(first, times):
    pairs = [time / other for time, other in zip(times, first) if time and other]
    if not pairs:
        return "-"
    return f"{min(filter(None, times)) / min(filter(None, first)):.2f} " \
           f"({statistics.median(pairs):.2f})"


def row_of(name, measure, columns, rounds):
    """The row's cells, and the columns in which a run failed."""
    times, failed = [[] for _ in columns], set()
    for _ in range(rounds):
        for i, (column, extra) in enumerate(columns):
            try:
                times[i].append(measure(extra))
            except subprocess.CalledProcessError as error:
                print(f"{name}, {column}: ended with {error.returncode}", file=sys.stderr,
                      flush=True)
                times[i].append(None)
                failed.add(column)
    first = f"{min(filter(None, times[0])):.3f} s" if any(times[0]) else "-"
    return [first] + [cell(times[0], one) for one in times[1:]], failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", default=[], help="this row; may be repeated")
    parser.add_argument("--beside", action="append", default=[])
    parser.add_argument("--knobs", action="store_true")
    arguments = parser.parse_args()
    columns = list(variants(arguments))
    failed = set()
    print("| row |", " | ".join(name for name, _ in columns), "|", flush=True)
    print("| --- " * (len(columns) + 1) + "|")
    for name, measure in jobs(arguments.build):
        if arguments.only and name not in arguments.only:
            continue
        cells, failed_here = row_of(name, measure, columns, arguments.rounds)
        failed |= failed_here
        print(f"| {name} |", " | ".join(cells), "|", flush=True)
    others = {os.path.basename(other) for other in arguments.beside}
    return 1 if failed - others else 0


if __name__ == "__main__":
    sys.exit(main())
