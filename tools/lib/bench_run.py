# tools/lib/bench_run.py - runs rows and programs under every allocator, each in its own process.
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
import time

from bench_allocators import LIMIT
from bench_machine import environment
from bench_progress import progress
from bench_rows import limit_refusal

RUN_S = 60           # a run that takes longer has failed
COUNTED_S = 120      # the same under strace, which makes every system call slower
ROW_GUESS_S = 0.5    # for the first estimate of the time left
PROGRAM_GUESS_S = 5.0
SAID_MAX = 160       # characters of a program's last words that are kept
OF_ROW = ("name", "threads", "steps", "operations", "allocator")  # not figures of a run


class Failed(Exception):
    """A run that went wrong; the text says how."""


@dataclasses.dataclass(frozen=True)
class Job:
    """One run that is to be made. make() puts its figures into the result, and says whether more
    jobs of this key are of use."""
    key: tuple
    guess: float
    label: str
    make: object


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
        self.program = program
        self.said = os.path.join(folder, "said")
        self.json = os.path.join(folder, "run.json")
        self.calls = os.path.join(folder, "calls")

    def command(self, row, steps=None):
        count = ["--steps", str(steps)] if steps else []
        return [self.program, "--run", row.name, "--threads", str(row.threads), *count,
                "--json", self.json]

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

    def system_calls(self, row, allocator):
        """How many system calls the whole process makes, from exec to exit."""
        wrapper = ["strace", "-f", "-c", "-U", "calls,name", "-o", self.calls]
        if allocator.path:  # for the program, not for strace
            wrapper += ["-E", f"LD_PRELOAD={allocator.path}"]
        plain = dataclasses.replace(allocator, path="")
        if os.path.exists(self.json):
            os.unlink(self.json)
        finish([*wrapper, *self.command(row)], self.variables(plain), COUNTED_S, self.said)
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


def interleaved(count, allocators, rounds):
    """(round, index, allocator): forth and back over the allocators, whatever `count` is."""
    for number in range(rounds):
        for index in range(count):
            forth = (number + index) % 2 == 0
            for allocator in allocators if forth else reversed(allocators):
                yield number, index, allocator


def work_off(jobs):
    ended = set()
    with progress([(job.key, job.guess) for job in jobs]) as bar:
        for number, job in enumerate(jobs, 1):
            if job.key in ended:
                continue
            bar.doing(f"{number}/{len(jobs)} {job.label}")
            begin = time.monotonic()
            more = job.make()
            bar.done(job.key, time.monotonic() - begin)
            if not more:
                ended.add(job.key)
                bar.drop(job.key)


def tried(cell, number, make):
    """One more run of a cell; its figures, or None when it failed."""
    try:
        cell["runs"].append(make())
        return cell["runs"][-1]
    except Failed as problem:
        cell["failed"] = f"round {number + 1}: {problem}"
        return None


def row_job(bench, row, entry, allocator, number, patience_s):
    def figures():
        answer = bench.run(row, allocator)
        entry["operations"] = entry["operations"] or answer["operations"]
        return {key: value for key, value in answer.items() if key not in OF_ROW}

    def make():
        run = tried(entry["results"][allocator.name], number, figures)
        return run is not None and run["seconds"] <= patience_s

    return Job((*row.key(), allocator.name), ROW_GUESS_S, f"{row.label()} {allocator.name}", make)


def run_rows(bench, rows, allocators, rounds, patience_s):
    """The rows of the result, without medians. An allocator that takes longer than patience_s for
    a row is not run on it again: it has one run, and no spread."""
    entries = [empty_row(row, allocators) for row in rows]
    jobs = [row_job(bench, rows[index], entries[index], allocator, number, patience_s)
            for number, index, allocator in interleaved(len(rows), allocators, rounds)
            if not entries[index]["results"][allocator.name]["failed"]]
    work_off(jobs)
    return entries


def call_job(bench, row, entry, allocator, notes):
    cell = entry["results"][allocator.name]

    def count():
        try:
            cell["system_calls"] = bench.system_calls(row, allocator)
        except Failed as problem:
            notes.append(f"system calls of {row.label()} under {allocator.name}: {problem}")
        return True

    return Job((*row.key(), allocator.name), ROW_GUESS_S,
               f"system calls, {row.label()} {allocator.name}", count)


def count_calls(bench, rows, entries, allocators, notes):
    """Fills in system_calls; what could not be counted goes to the notes."""
    if shutil.which("strace") is None:
        notes.append("system calls: not counted, strace is missing")
        return
    if subprocess.run(["strace", "-f", "-c", "-U", "calls,name", "-o", bench.calls, "true"],
                      stderr=subprocess.DEVNULL, check=False).returncode != 0:
        notes.append("system calls: not counted, strace may not trace here or is too old")
        return
    work_off([call_job(bench, row, entry, allocator, notes) for row, entry in zip(rows, entries)
              for allocator in allocators if not entry["results"][allocator.name]["failed"]])


def program_job(program, entry, allocator, number):
    def figures():
        try:
            return program.run(allocator.path or None)
        except Exception as problem:  # whatever a real program may meet
            raise Failed(str(problem) or type(problem).__name__) from problem

    cell = entry["results"][allocator.name]
    return Job((program.name, allocator.name), PROGRAM_GUESS_S,
               f"{program.name} {allocator.name}",
               lambda: tried(cell, number, figures) is not None)


def why_not(program):
    """Makes a program ready; the reason when it cannot be, else None."""
    reason = program.available()
    if reason:
        return reason
    try:
        program.prepare()
    except Exception as problem:
        return str(problem) or type(problem).__name__
    return None


def ready_programs(programs, notes):
    """Those that can run here; the others are named in the notes."""
    ready = []
    for program in programs:
        reason = why_not(program)
        if reason:
            notes.append(f"program {program.name}: not run, {reason}")
        else:
            ready.append(program)
    return ready


def run_programs(programs, allocators, rounds, notes):
    """The programs of the result, without medians. Their folders are gone afterwards."""
    try:
        return run_ready(ready_programs(programs, notes), allocators, rounds)
    finally:
        for program in programs:
            program.close()


def run_ready(present, allocators, rounds):
    used = [allocator for allocator in allocators if allocator.name != LIMIT]
    entries = [{"name": program.name, "what": program.what,
                "results": {allocator.name: empty_cell() for allocator in used}}
               for program in present]
    work_off([program_job(present[index], entries[index], allocator, number)
              for number, index, allocator in interleaved(len(present), used, rounds)])
    return entries
