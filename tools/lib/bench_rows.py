# tools/lib/bench_rows.py - the rows of a run: a workload at a thread count.
import dataclasses
import fnmatch
import json
import os
import subprocess

from bench_machine import environment, memory_mib

LIMIT_SHARE = 3         # the limit may use one part in so many of the memory that is free
LIMIT_MIB_MAX = 4096
LIST_S = 20
# What the full run has beyond the short one, it runs with so much fewer steps: they are many rows.
BEYOND_SHARE = 2
LEFT_OUT = "left out: "  # a result that was not tried begins so; others that failed do not


class NoRows(Exception):
    """Nothing to run; the text says why."""


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    family: str
    pattern: str
    threads: int
    steps: int
    churn: int   # bytes that it asks for in a run, about
    solo: bool
    quick: bool  # the short run has it, too

    def key(self):
        return self.name, self.threads

    def label(self):
        return f"{self.name}/{self.threads}"


def listed(program):
    """What the program says that it has: a list of objects."""
    try:
        done = subprocess.run([program, "--list"], env=environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, check=True, timeout=LIST_S)
        return json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as problem:
        raise NoRows(f"{os.path.basename(program)} --list: {problem}") from problem


def wanted_threads(workload, full, threads, named):
    """The thread counts to run, in ascending order; `threads` names them, else the mode does. What
    the short run does not have, it has all the same when it is named."""
    if threads:
        return [count for count in sorted(workload["threads"]) if count in threads]
    everything = full or named and not workload["quick"]
    return sorted(workload["threads"] if everything else workload["quick"])


def row_of(workload, count, full):
    """The steps are the workload's own, at all counts, but beyond the short run's rows in a full
    run; where latency is drawn from single calls, fewer of them would be another figure."""
    quick, solo = count in workload["quick"], bool(workload["solo"])
    share = BEYOND_SHARE if full and not quick and not solo else 1
    return Row(workload["name"], workload["family"], workload["pattern"], count,
               max(1, workload["steps"] // share), workload["churn"] // share, solo, quick)


def matches(workload, names, families):
    def any_of(text, patterns):
        return not patterns or any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns)
    return any_of(workload["name"], names) and any_of(workload["family"], families)


def select(program, full=False, names=(), families=(), threads=()):
    """The rows, in the order of the program's list. names and families are fnmatch patterns."""
    rows = []
    for workload in listed(program):
        named = bool(names or families)
        if matches(workload, names, families) and (named or not workload["apart"]):
            rows += [row_of(workload, count, full)
                     for count in wanted_threads(workload, full, threads, named)]
    if not rows:
        raise NoRows("no row has such a name, family and thread count")
    return rows


def limit_refusal(row):
    """Why an allocator that never frees is not run on a row, or None."""
    room_mib = min(memory_mib("MemAvailable") // LIMIT_SHARE, LIMIT_MIB_MAX)
    if row.churn <= room_mib << 20:
        return None
    return f"{LEFT_OUT}it never frees, and the row asks for {row.churn / (1 << 30):.1f} GiB"
