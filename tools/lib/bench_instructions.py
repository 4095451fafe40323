# tools/lib/bench_instructions.py - instructions an operation, counted by callgrind.
#
# A row runs twice, with S and with 2 S steps; what it takes more the second time is that of S steps
# without start, setup and end. Only instructions inside the allocator's own shared object count
# (ob= records), so that the harness and libc do not. One thread, and nothing that depends on the
# clock: the count repeats exactly.
import os
import shutil

from bench_allocators import LIMIT, OURS
from bench_jobs import Job
from bench_run import COUNTED_S, Failed, Way

SHARE = 64       # of the steps of a timed run: callgrind is about 50 times slower
GUESS_S = 1.8
CLOCKLESS = (("TIDE_DECAY", "off"),)  # what depends on the clock would not repeat
# Rows whose work is the kernel's, or that start threads and processes of their own.
NOT_COUNTED = ("threads", "phases", "large")
ROWS_NOT_COUNTED = ("realloc_growth_12", "realloc_growth_steps", "calloc_large")
FILE = os.path.join("bench", "instructions.txt")
HEAD = """\
# bench/instructions.txt - instructions inside tidemalloc for one operation of a row, one thread.
# An operation is a malloc with its free. Written by: tools/bench --instructions --update
"""
COMPILED = "# compiled by: "
NAMED_MAX = 6  # rows in a note


class NoCounts(Exception):
    """Instructions cannot be counted; the text says why."""


def is_counted(row):
    return (row.threads == 1 and not row.solo and row.family not in NOT_COUNTED
            and row.name not in ROWS_NOT_COUNTED)


def read_callgrind(path, library):
    """The instructions spent inside a shared object itself, without what it calls elsewhere."""
    ours = (library, os.path.realpath("???"))
    total, inside, inclusive = 0, False, False
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("ob="):
                inside = os.path.realpath(line[3:].strip()) in ours
            elif line.startswith("calls="):
                inclusive = True  # the next line is the cost of the callee
            elif line[:1].isdigit():
                if inside and not inclusive:
                    total += int(line.split()[1])
                inclusive = False
    return total


class Counter:
    def __init__(self, bench):
        self.bench = bench
        self.out = bench.path("callgrind")

    def count(self, row, allocator, steps):
        """(instructions inside the allocator, operations)."""
        tool = ("valgrind", "--tool=callgrind", f"--callgrind-out-file={self.out}", "--quiet",
                "--compress-strings=no", "--compress-pos=no")
        answer = self.bench.run(row, allocator, Way(steps, tool, COUNTED_S, CLOCKLESS))
        # glibc's malloc is not preloaded: its object is what the program says that malloc is of.
        library = os.path.realpath(allocator.path or answer["allocator"])
        return read_callgrind(self.out, library), answer["operations"]

    def per_operation(self, row, allocator):
        steps = max(1, row.steps // SHARE)
        once = self.count(row, allocator, steps)
        twice = self.count(row, allocator, 2 * steps)
        if twice[1] <= once[1]:
            raise Failed(f"{2 * steps} steps do no more operations than {steps}")
        if not twice[0]:
            raise Failed("no instruction was seen inside the allocator")
        return (twice[0] - once[0]) / (twice[1] - once[1])


def count_jobs(bench, rows, allocators, counts, notes):
    """Fill {(row name, allocator name): instructions an operation}; what failed goes to the
    notes."""
    if shutil.which("valgrind") is None:
        raise NoCounts("valgrind is missing")
    counter = Counter(bench)

    def job(row, allocator):
        def make():
            try:
                counts[row.name, allocator.name] = counter.per_operation(row, allocator)
            except Failed as problem:
                notes.append(f"instructions of {row.name} under {allocator.name}: {problem}")
            return True
        return Job(("instructions", row.name, allocator.name), GUESS_S,
                   f"instructions, {row.name} {allocator.name}", make)

    return [job(row, allocator) for row in rows if is_counted(row)
            for allocator in allocators if allocator.name != LIMIT]


def put_counts(entries, counts):
    """Into the rows of a result that have one thread."""
    for entry in entries:
        for name, cell in entry["results"].items():
            if entry["threads"] == 1:
                cell["instructions_per_operation"] = counts.get((entry["name"], name))


def text_of(counts, compiler):
    """The file's text: {row name: instructions}, sorted by name."""
    width = max((len(name) for name in counts), default=0)
    lines = [f"{name:{width}}  {count:10.1f}\n" for name, count in sorted(counts.items())]
    return HEAD + COMPILED + compiler + "\n" + "".join(lines)


def read_file(path):
    """({row name: instructions}, compiler) of the file under version control."""
    counts, compiler = {}, "unknown"
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith(COMPILED):
                compiler = line[len(COMPILED):].strip()
            elif line.strip() and not line.startswith("#"):
                name, count = line.split()
                counts[name] = float(count)
    return counts, compiler


def differences(old, new, whole):
    """One line for each row that is not as in the file; with `whole`, for those that are gone."""
    for name, count in sorted(new.items()):
        count = round(count, 1)
        if name not in old:
            yield f"{name}: {count:.1f}, not in the file"
        elif old[name] != count:
            yield f"{name}: {old[name]:.1f} in the file, now {count:.1f} ({count - old[name]:+.1f})"
    for name in sorted(set(old) - set(new)) if whole else ():
        yield f"{name}: {old[name]:.1f} in the file, not counted now"


def notes_on(root, new, compiler):
    """What a result says of the file: how many rows are not as it has them."""
    old, compiled = read_file(os.path.join(root, FILE))
    if compiled != compiler:
        return [f"instructions: {FILE} is of another compiler, {compiled}"]
    found = list(differences(old, new, False))
    named = "; ".join(found[:NAMED_MAX]) + ("; ..." if len(found) > NAMED_MAX else "")
    return [f"instructions: {len(found)} of {len(new)} rows are not as in {FILE}: {named}"] \
        if found else []


def check(root, new, compiler, whole):
    """Whether the counts are those of the file; prints what differs."""
    try:
        old, compiled = read_file(os.path.join(root, FILE))
    except OSError as problem:
        raise NoCounts(f"{FILE}: {problem.strerror}") from problem
    if compiled != compiler:
        print(f"note: the file is of another compiler: {compiled}; here: {compiler}")
    found = list(differences(old, new, whole))
    for line in found:
        print(line)
    if not found:
        print(f"{len(new)} rows as in {FILE}")
    return not found


def update(root, new, compiler, whole):
    """Writes the file; where not all rows were counted, the others keep their lines."""
    path = os.path.join(root, FILE)
    kept = {} if whole or not os.path.exists(path) else read_file(path)[0]
    with open(path, "w", encoding="utf-8") as file:
        file.write(text_of({**kept, **new}, compiler))
    print(f"{len(new)} rows written to {FILE}")


def ours(counts):
    return {row: count for (row, name), count in counts.items() if name == OURS}
