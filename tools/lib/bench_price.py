# tools/lib/bench_price.py - what giving memory back costs: tidemalloc with its defaults against
# tidemalloc that keeps everything, and against glibc and jemalloc where a goal names them.
#
# Both sides of a row run next to each other, in turns. The figure of a row is the least time of its
# rounds with giving back / the least without: what else a machine does only ever adds. A row that
# is above its bound after the rounds of all gets more of them: what stays above is no chance.
import json
import re
import shutil

import bench_rows
import bench_summary as summary
from bench_allocators import OURS, Unknown
from bench_jobs import Job, interleaved
from bench_run import COUNTED_S, Failed, Way, empty_cell, finish, tried
from bench_run_programs import first_job, program_job

FORMAT = "tidemalloc-price-1"
ON, OFF = "on", "off"
KEEP_ALL = (("TIDE_PURGE_BUDGET", "64G"), ("TIDE_PURGE_PERCENT", "100%"), ("TIDE_DECAY", "off"),
            ("TIDE_HUGE_CACHE", "64G"), ("TIDE_TRIM_THRESHOLD", "64G"))
STATISTICS = (("TIDE_STATS", "json"),)
COUNTERS = ("purges", "purged_bytes")
SWING, TRIMS = "swing", ("trim_beside", "trim_absent")
SWING_PEER, PROGRAMS_PEER = "jemalloc", "glibc"
ROW_GUESS_S, CALLS_GUESS_S = 0.3, 0.4
PROGRAM_ROUNDS_MOST = 3
ROW_TIME = 1.03
FURTHER = 3  # rows above it get so many times the rounds
CALL = re.compile(r"^\d+ +(?:madvise|munmap)\(0x[0-9a-f]+, (\d+)|"
                  r"^\d+ +(?:process_madvise\(|<\.\.\. process_madvise resumed).* = (\d+)$")


def side(name):
    return Way(variables=KEEP_ALL if name == OFF else ())


def pairs(entry, figure, over=ON, under=OFF):
    """(over, under) of each round that has both."""
    cells = [entry["results"].get(name) for name in (over, under)]
    if None in cells or any(cell["failed"] for cell in cells):
        return []
    found = [[figure_of(run, figure) for run in both]
             for both in zip(*(cell["runs"] for cell in cells))]
    return [(ours, theirs) for ours, theirs in found if ours is not None and theirs]


def figure_of(run, figure):
    value = run.get(figure)
    return run.get("counters", {}).get(figure) if value is None else value


def least_ratio(entry, figure):
    """Of the least times of all rounds; None: no round."""
    found = pairs(entry, figure)
    return min(one for one, _ in found) / min(one for _, one in found) if found else None


def is_above(entry):
    """More rounds may show that the row is within its bound."""
    return any((ratio := least_ratio(entry, figure)) is not None and ratio > ROW_TIME
               for figure in (summary.TIME, summary.CPU))


def empty_entry(row, names):
    return {"name": row.name, "threads": row.threads, "solo": row.solo, "steps": row.steps,
            "operations": None, "results": {name: empty_cell() for name in names}}


class Price:
    """What is measured, as a result with jobs that fill it. `rows`: of the ordinary table."""

    def __init__(self, bench, allocators, result):
        self.bench, self.result = bench, result
        self.allocators = {allocator.name: allocator for allocator in allocators}
        self.ours = self.allocators[OURS]

    def run_job(self, row, entry, name, number):
        """One run of a row on a side, or under a peer."""
        allocator = self.allocators.get(name, self.ours)

        def figures():
            answer = self.bench.run(row, allocator, side(name))
            entry["operations"] = entry["operations"] or answer["operations"]
            return {key: value for key, value in answer.items()
                    if isinstance(value, (int, float, dict))}

        return Job(("rows", *row.key(), name), ROW_GUESS_S, f"{row.label()} {name}",
                   lambda: tried(entry["results"][name], number, figures) is not None)

    def row_jobs(self, rows, rounds):
        """Both sides of every row; of swinging demand also the peer's, of trims our defaults."""
        plan = []
        for row in rows:
            names = {SWING: [ON, OFF, SWING_PEER]}.get(row.name, [ON, OFF])
            names = [ON] if row.name in TRIMS else names
            names = [name for name in names if name in (ON, OFF) or name in self.allocators]
            plan.append((row, empty_entry(row, names), names))
        self.result["rows"] = [entry for _, entry, _ in plan]
        jobs = []
        for number in range(rounds):
            for index, (row, entry, names) in enumerate(plan):
                forth = (number + index) % 2 == 0
                jobs += [self.run_job(row, entry, name, number)
                         for name in (names if forth else reversed(names))]
        return jobs + self.further_jobs(plan, rounds)

    def further_jobs(self, plan, rounds):
        return [self.further_job(row, entry, number)
                for number in range(rounds, rounds * FURTHER)
                for row, entry, names in plan if names == [ON, OFF]]

    def further_job(self, row, entry, number):
        """Another round of a row, if it is above its bound yet."""
        sides = [self.run_job(row, entry, name, number)
                 for name in ((ON, OFF) if number % 2 == 0 else (OFF, ON))]

        def make():
            return is_above(entry) and all([job.make() for job in sides])

        return Job(("rows above", *row.key()), 0, f"{row.label()} again", make)

    def count(self, row, name):
        """{calls, bytes} of madvise, process_madvise and munmap in a whole process, and the
        library's counters."""
        bench = self.bench
        wrapper = ["strace", "-f", "-e", "trace=madvise,process_madvise,munmap", "-o", bench.calls,
                   "-E", f"LD_PRELOAD={self.ours.path}"]
        for variable, value in (*side(name).variables, *STATISTICS):
            wrapper += ["-E", f"{variable}={value}"]
        variables = {key: value for key, value in bench.variables(self.ours).items()
                     if key != "LD_PRELOAD"}
        finish([*wrapper, *bench.command(row)], variables, COUNTED_S, bench.said)
        bench.answer(self.ours)
        with open(bench.calls, encoding="utf-8", errors="replace") as file:
            sizes = [int(match.group(1) or match.group(2))
                     for match in map(CALL.match, file) if match]
        return {"calls": len(sizes), "bytes": sum(sizes), **self.statistics()}

    def statistics(self):
        with open(self.bench.said, encoding="utf-8", errors="replace") as file:
            text = file.read()
        try:
            last = text.rindex('{\n  "tidemalloc"')  # children have told theirs before
            told = json.loads(text[last:])["tidemalloc"]["counters"]
            return {name: told[name] for name in COUNTERS}
        except (ValueError, KeyError, TypeError) as problem:
            raise Failed(f"its statistics cannot be read: {problem}") from problem

    def call_job(self, row, entry, name):
        def make():
            try:
                entry["calls"][name] = self.count(row, name)
            except Failed as problem:
                self.result["notes"].append(f"calls of {row.label()}, {name}: {problem}")
            return True

        entry.setdefault("calls", {})
        return Job(("system calls", *row.key(), name), CALLS_GUESS_S,
                   f"system calls, {row.label()} {name}", make)

    def call_jobs(self, rows):
        if shutil.which("strace") is None:
            self.result["notes"].append("system calls: not counted, strace is missing")
            return []
        return [self.call_job(row, entry, name) for row, entry in zip(rows, self.result["rows"])
                if row.name not in TRIMS for name in (ON, OFF)]

    def program_jobs(self, programs, rounds):
        """System time under our defaults and under glibc."""
        used = [self.allocators[name] for name in (PROGRAMS_PEER, OURS) if name in self.allocators]
        entries = self.result["programs"] = [
            {"name": program.name, "what": program.what,
             "results": {allocator.name: empty_cell() for allocator in used}}
            for program in programs]
        return [first_job(program, self.result["notes"]) for program in programs] + [
            program_job(programs[index], entries[index], allocator, number)
            for number, index, allocator in interleaved(len(programs), used,
                                                        min(rounds, PROGRAM_ROUNDS_MOST))]

    def jobs(self, rows, programs, rounds):
        return (self.row_jobs(rows, rounds) + self.call_jobs(rows)
                + self.program_jobs(programs, rounds))


def select(program, full, names, families, threads):
    """The rows of the ordinary run; without a choice, those of this question, too."""
    rows = bench_rows.select(program, full, names, families, threads)
    if names or families or threads:
        return rows
    known = {row.key() for row in rows}
    own = bench_rows.select(program, False, (SWING, *TRIMS))
    return rows + [row for row in own if row.key() not in known]


def needed(allocators):
    if OURS not in [allocator.name for allocator in allocators]:
        raise Unknown(f"--price is of {OURS}, which is not among the allocators of this run")
    return allocators
