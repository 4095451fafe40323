# tools/lib/kv_compare.py - the key-value server under several allocators, in one table.
#
# Rounds are interleaved, forth and back (A B C C B A), so that a drift of the machine meets all
# allocators alike; medians are shown. A server stays up, idle and without connections, until the
# RSS 5 s after its load has been read; the next run starts meanwhile (an idle server sleeps).
# Exit status: 0, or 1 with one line on stderr when a run went wrong.
import argparse
import dataclasses
import json
import os
import signal
import statistics
import sys
import tempfile
import time

from kv_measure import Allocator, Failed, Job, Server, measure, status_kib
from progress import progress

START_AND_CLEAR_S = 0.8  # of a run, beside its measured phase; for the estimate only


@dataclasses.dataclass
class Idle:
    """A server whose load has gone."""
    server: Server
    result: object
    due: float  # when its RSS is to be read


class Comparison:
    def __init__(self, job, allocators, rounds):
        self.job = job
        self.order = []
        for number in range(rounds):
            self.order += allocators if number % 2 == 0 else reversed(allocators)
        self.idle = []
        self.results = []
        self.bar = None

    def seconds(self):
        return len(self.order) * (self.job.seconds + START_AND_CLEAR_S) + self.job.idle_s

    def tick(self):
        self.bar.tick()
        while self.idle and time.monotonic() >= self.idle[0].due:
            idle = self.idle.pop(0)
            idle.result.idle_kib = status_kib(idle.server.pid, "VmRSS")
            idle.server.stop()
            self.results.append(idle.result)

    def run_one(self, number, allocator):
        where = f"{number}/{len(self.order)} {allocator.name}"
        self.bar.doing(where)
        job = dataclasses.replace(self.job, address=f"{self.job.address}-{number}")
        server = Server(job, allocator)
        try:
            result = measure(job, server, self.tick)
        except BaseException:
            server.kill()
            raise
        self.idle.append(Idle(server, result, time.monotonic() + job.idle_s))
        self.bar.done(f"{where}: {result.requests_per_s:,.0f} requests/s")

    def run(self):
        with progress(self.seconds()) as self.bar:
            try:
                for number, allocator in enumerate(self.order, 1):
                    self.run_one(number, allocator)
                self.bar.doing("waiting: idle servers")
                while self.idle:
                    self.tick()
                    time.sleep(0.05)
            finally:
                for idle in self.idle:
                    idle.server.kill()
        return self.results


def median(results, name, field):
    return statistics.median(getattr(r, field) for r in results if r.allocator == name)


def cell(value, base, text):
    return f"{text} ({value / base:.2f}x)" if base else text


COLUMNS = [
    ("requests/s", "requests_per_s", lambda v: f"{v:,.0f}"),
    ("p99 latency", "p99_us", lambda v: f"{v / 1000:.2f} ms"),
    ("CPU/request", "cpu_us_per_request", lambda v: f"{v:.2f} us"),
    ("peak RSS", "peak_kib", lambda v: f"{v / 1024:.1f} MiB"),
    ("RSS 5 s after", "idle_kib", lambda v: f"{v / 1024:.1f} MiB"),
]


def table(results, names):
    """Rows of text: a heading, then one row an allocator. The first one is the base of ratios."""
    rows = [["allocator"] + [title for title, _, _ in COLUMNS]]
    for name in names:
        row = [name]
        for _, field, show in COLUMNS:
            value = median(results, name, field)
            row.append(cell(value, median(results, names[0], field), show(value)))
        rows.append(row)
    return rows


def print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        print(row[0].ljust(widths[0]), *(t.rjust(w) for t, w in zip(row[1:], widths[1:])), sep="  ")
        if number == 0:
            print("  ".join("-" * width for width in widths))


def print_result(job, results, names, rounds):
    print()
    print_table(table(results, names))
    print(f"\nMedian of {rounds} interleaved rounds, ratios to {names[0]}. The server has "
          f"{job.workers} threads and a cap of {job.memory_mib} MiB;\n"
          f"the load ran {job.seconds:g} s a round on the same {cpus()} CPUs, verified "
          "every answer, deleted everything and left.")


def cpus():
    return len(os.sched_getaffinity(0))


def arguments():
    parser = argparse.ArgumentParser(description="kv_server under several allocators, compared")
    parser.add_argument("--server", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--allocator", action="append", required=True, metavar="NAME=LIBRARY",
                        help="may be given often; an empty library is libc's own malloc")
    parser.add_argument("--quick", action="store_true", help="short runs, at most 20 s in all")
    parser.add_argument("--json", metavar="FILE", help="write every single result there, too")
    return parser.parse_args()


def make_job(options, directory):
    workers = max(2, min(8, cpus() // 2))
    size = dict(memory_mib=24, keys=50_000, seconds=1.0) if options.quick else \
        dict(memory_mib=96, keys=200_000, seconds=4.0)
    return Job(server=options.server, load=options.load, address=f"unix:{directory}/kv",
               workers=workers, idle_s=5.0, **size)


def compare(options, directory):
    allocators = [Allocator(*text.split("=", 1)) for text in options.allocator]
    names = [allocator.name for allocator in allocators]
    rounds = 2 if options.quick else 4
    job = make_job(options, directory)
    results = Comparison(job, allocators, rounds).run()
    print_result(job, results, names, rounds)
    if options.json:
        with open(options.json, "w", encoding="ascii") as file:
            json.dump([dataclasses.asdict(result) for result in results], file, indent=1)


def main():
    options = arguments()
    folder = os.path.dirname(options.json or "") or "."
    if not os.path.isdir(folder):  # said before the work, not after it
        print(f"error: --json {options.json}: no such folder", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="tide-kv-") as directory:
        try:
            compare(options, directory)
        except Failed as failure:
            print(f"error: {failure}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
