# tools/lib/bench_run.py - runs rows under every allocator, each run in its own process.
#
# Rounds are interleaved: allocators take turns forth and back (A B C C B A), row after row, and the
# rounds of a row lie far apart, so that a drift of the machine meets all allocators alike. A run
# that fails is kept with its reason and not tried again.
import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess

from bench_allocators import LIMIT, OURS
from bench_jobs import Job, interleaved
from bench_machine import environment
from bench_rows import limit_refusal

RUN_S = 60           # a run that takes longer has failed
COUNTED_S = 120      # the same under strace, which makes every system call slower
ROW_GUESS_S = 0.33   # for the first estimate of the time left
CALLS_GUESS_S = 0.25
PATIENCE_S = 2.0     # an allocator that is slower on a row has one run there, and no spread
LIMIT_PATIENCE_S = 0.25  # the limit needs no spread: it competes with nobody
CALLS_SHARE = 8      # system calls are counted with so much fewer steps, of
CALLS_OF = ("glibc", "jemalloc", OURS)
SAID_MAX = 160       # characters of a program's last words that are kept
OF_ROW = ("name", "threads", "steps", "operations", "allocator")  # not figures of a run


class Failed(Exception):
    """A run that went wrong; the text says how."""


def kill_group(process):
    """Only for a process that was not waited for: its number is still its own."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def last_words(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in file if line.strip()]
    return f": {lines[-1][:SAID_MAX]}" if lines else ""


def ending(status):
    if status >= 0:
        return f"ended with {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


def finish(command, variables, seconds, said):
    """Runs a command to its end; Failed when that is not 0 or does not come in time. It is a group
    of its own, that ends whole. What it says on stderr goes to the file `said`."""
    with open(said, "wb") as words:
        process = subprocess.Popen(command, env=variables, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=words,
                                   start_new_session=True)
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        kill_group(process)
        raise Failed(f"not done after {seconds} s") from None
    except BaseException:
        kill_group(process)
        raise
    if status != 0:
        raise Failed(ending(status) + last_words(said))


@dataclasses.dataclass(frozen=True)
class Way:
    """How a row is run: with how many steps of its own, under which tool, how long at most."""
    steps: int | None = None
    wrapper: tuple = ()
    seconds: int = RUN_S
    variables: tuple = ()  # (name, value) for the environment


class Bench:
    """The program of the benchmark; `folder` is an empty one for files that come and go."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.said, self.json = self.path("said"), self.path("run.json")
        self.calls = self.path("calls")

    def path(self, name):
        return os.path.join(self.folder, name)

    def command(self, row, steps=None):
        return [self.program, "--run", row.name, "--threads", str(row.threads),
                "--steps", str(steps or row.steps), "--json", self.json]

    def variables(self, allocator, way=Way()):
        preload = {"LD_PRELOAD": allocator.path} if allocator.path else {}
        return {**environment(), **dict(way.variables), **preload}

    def answer(self, allocator):
        """What the last run wrote, when it ran under the allocator that it should."""
        try:
            with open(self.json, encoding="utf-8") as file:
                answer = json.load(file)
        except (OSError, ValueError) as problem:
            raise Failed(f"its result cannot be read: {problem}") from None
        wanted = os.path.basename(os.path.realpath(allocator.path)) if allocator.path else "libc."
        if wanted not in os.path.basename(os.path.realpath(answer["allocator"])):
            raise Failed(f"malloc came from {answer['allocator']}: the preload was not taken")
        return answer

    def run(self, row, allocator, way=Way()):
        if os.path.exists(self.json):
            os.unlink(self.json)
        command = [*way.wrapper, *self.command(row, way.steps)]
        finish(command, self.variables(allocator, way), way.seconds, self.said)
        return self.answer(allocator)

    def system_calls(self, row, allocator, steps):
        """How many system calls the whole process makes, from exec to exit."""
        wrapper = ["strace", "-f", "-c", "-U", "calls,name", "-o", self.calls]
        if allocator.path:  # for the program, not for strace
            wrapper += ["-E", f"LD_PRELOAD={allocator.path}"]
        plain = dataclasses.replace(allocator, path="")
        if os.path.exists(self.json):
            os.unlink(self.json)
        finish([*wrapper, *self.command(row, steps)], self.variables(plain), COUNTED_S, self.said)
        self.answer(allocator)
        with open(self.calls, encoding="utf-8", errors="replace") as file:
            total = re.search(r"^\s*(\d+)\s+total$", file.read(), re.MULTILINE)
        if not total:
            raise Failed("strace did not count")
        return int(total.group(1))


def empty_cell(**more):
    return {"runs": [], "median": None, "spread": None, **more, "failed": None}


def empty_row(row, allocators):
    results = {}
    for allocator in allocators:
        cell = results[allocator.name] = empty_cell(system_calls=None,
                                                    instructions_per_operation=None)
        if allocator.name == LIMIT:
            cell["failed"] = limit_refusal(row)
    return {"name": row.name, "family": row.family, "pattern": row.pattern,
            "threads": row.threads, "solo": row.solo, "steps": row.steps, "operations": None,
            "results": results}


def tried(cell, number, make):
    """One more run of a cell; its figures, or None when it failed."""
    try:
        cell["runs"].append(make())
        return cell["runs"][-1]
    except Failed as problem:
        cell["failed"] = f"round {number + 1}: {problem}"
        return None


def row_job(bench, row, entry, allocator, number):
    patience_s = LIMIT_PATIENCE_S if allocator.name == LIMIT else PATIENCE_S

    def figures():
        answer = bench.run(row, allocator)
        entry["operations"] = entry["operations"] or answer["operations"]
        return {key: value for key, value in answer.items() if key not in OF_ROW}

    def make():
        run = tried(entry["results"][allocator.name], number, figures)
        return run is not None and run["seconds"] <= patience_s

    return Job(("rows", *row.key(), allocator.name), ROW_GUESS_S,
               f"{row.label()} {allocator.name}", make)


def row_jobs(bench, rows, entries, allocators, rounds):
    """Fill the runs of `entries`, made by empty_row(). An allocator that takes longer than its
    patience for a row is not run on it again."""
    return [row_job(bench, rows[index], entries[index], allocator, number)
            for number, index, allocator in interleaved(len(rows), allocators, rounds)
            if not entries[index]["results"][allocator.name]["failed"]]


def call_job(bench, row, entry, allocator, notes):
    cell, steps = entry["results"][allocator.name], max(1, row.steps // CALLS_SHARE)

    def count():
        if cell["failed"]:
            return False
        try:
            cell["system_calls"] = bench.system_calls(row, allocator, steps)
        except Failed as problem:
            notes.append(f"system calls of {row.label()} under {allocator.name}: {problem}")
        return True

    return Job(("system calls", *row.key(), allocator.name), CALLS_GUESS_S,
               f"system calls, {row.label()} {allocator.name}", count)


def call_jobs(bench, rows, entries, allocators, notes):
    """Fill in system_calls; what cannot be counted goes to the notes. Rows at the thread counts of
    the short run alone: calls by the step change little with more threads."""
    if shutil.which("strace") is None:
        notes.append("system calls: not counted, strace is missing")
        return []
    if subprocess.run(["strace", "-f", "-c", "-U", "calls,name", "-o", bench.calls, "true"],
                      stderr=subprocess.DEVNULL, check=False).returncode != 0:
        notes.append("system calls: not counted, strace may not trace here or is too old")
        return []
    return [call_job(bench, row, entry, allocator, notes) for row, entry in zip(rows, entries)
            for allocator in allocators if row.quick and allocator.name in CALLS_OF]
