#!/usr/bin/env python3
"""The real programs of the benchmark (tools/lib/bench_programs.py) and how they are measured.

  bench_programs.py measure LIBRARY    figures and failures are what they should be, on little
                                       programs of which one knows the truth
  bench_programs.py one NAME LIBRARY   a real program does the same work with and without LIBRARY
Exit status: 0, 1 with a reason, or 77 when the program is not installed.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools", "lib"))

from bench_programs import Failed, programs  # noqa: E402
from programs.shared.command import Command  # noqa: E402
from programs.shared.server import Server  # noqa: E402

SCALE = 0.1
FIELDS = {"seconds", "cpu_seconds", "user_seconds", "system_seconds", "peak_rss_kib",
          "minor_faults"}
BALLAST_MIB = 200      # of this process, which must not show up in the figures of others
TINY_KIB = 3072        # what `true` takes under glibc, at most
GROWN_MIB = 64


class Little(Command):
    """A shell command as a program."""
    packages = ("dash",)
    binary = "sh"

    def __init__(self, name, script):
        super().__init__()
        self.name, self.script = name, script

    def make_inputs(self):
        pass

    def command(self):
        return ["sh", "-c", self.script]


class Grower(Server):
    """A server in Python that grows and spends CPU time when it is told to."""
    name, binary = "grower", "python3"
    SOURCE = f"""
import os, signal, time
def work(*_):
    block = bytearray({GROWN_MIB} << 20)
    end = time.process_time() + 0.5
    while time.process_time() < end:
        pass
    open("done", "w").close()
signal.signal(signal.SIGUSR1, work)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
open("ready", "w").close()
while True:
    signal.pause()
"""

    def make_inputs(self):
        pass

    def before(self):
        for name in ("ready", "done"):
            if os.path.exists(self.path(name)):
                os.remove(self.path(name))

    def server(self):
        return ["python3", "-c", self.SOURCE]

    def ready(self):
        return os.path.exists(self.path("ready")) or None

    def load(self):
        self.client(["sh", "-c", f"kill -USR1 {self.process.pid}; "
                     "until [ -e done ]; do sleep 0.02; done"])

    def answer(self):
        return os.path.exists(self.path("done"))


def expect(holds, what):
    if not holds:
        raise Failed(what)


def figures_of(program, library=None):
    try:
        return program.run(library)
    finally:
        program.close()


def refused(program, library, words):
    """The run must fail with these words."""
    try:
        figures = figures_of(program, library)
    except Failed as failure:
        expect(words in str(failure), f"{program.name}: failed with '{failure}', not '{words}'")
        return
    raise Failed(f"{program.name}: should have failed, gave {figures}")


def measure_commands():
    tiny = figures_of(Little("tiny", "exec true"))
    expect(set(tiny) == FIELDS, f"fields are {sorted(tiny)}")
    expect(300 < tiny["peak_rss_kib"] < TINY_KIB, f"true takes {tiny['peak_rss_kib']} KiB")
    # What it costs is spent in a child of a child.
    grown = f"x = bytearray({GROWN_MIB} << 20); sum(range(20000000))"
    big = figures_of(Little("big", f"true; sh -c \"true; /usr/bin/python3 -c '{grown}'; true\""))
    expect(big["peak_rss_kib"] > GROWN_MIB << 10, f"peak of a grandchild: {big}")
    expect(big["peak_rss_kib"] < (GROWN_MIB + 40) << 10, f"more than its peak: {big}")
    expect(big["minor_faults"] > GROWN_MIB << 8, f"faults of a grandchild: {big}")
    expect(big["user_seconds"] > tiny["user_seconds"] + 0.02, f"its CPU time: {big}")
    expect(abs(big["user_seconds"] + big["system_seconds"] - big["cpu_seconds"]) < 1e-3,
           f"CPU time is not the sum of its parts: {big}")


def measure_failures(library):
    refused(Little("fails", "echo oops >&2; exit 3"), None, "ended with status 3: oops")
    refused(Little("crashes", "kill -SEGV $$"), None, "was ended by SIGSEGV")
    refused(Little("missing", "exec no-such-command"), None, "ended with status 127")
    refused(Little("differs", 'echo "preload: $LD_PRELOAD"'), library, "its output differs")
    refused(Little("not_preloaded", "true"), os.path.abspath(__file__), "cannot be preloaded")
    refused(Grower(), os.path.abspath(__file__), "could not be preloaded")


def measure_server(library):
    figures = figures_of(Grower(), library)
    expect(set(figures) == FIELDS, f"fields are {sorted(figures)}")
    expect(figures["peak_rss_kib"] > GROWN_MIB << 10, f"peak of a server: {figures}")
    expect(figures["peak_rss_kib"] < (GROWN_MIB + 40) << 10, f"more than its peak: {figures}")
    # The start of the interpreter is not part of it, but all of the load is.
    expect(0.5 <= figures["cpu_seconds"] < 5, f"CPU time of a server: {figures}")


def measure(library):
    ballast = bytearray(b"x") * (BALLAST_MIB << 20)
    measure_commands()
    measure_failures(library)
    measure_server(library)
    expect(len(ballast) == BALLAST_MIB << 20, "the ballast is gone")
    print("measured as it should be")


def one(name, library):
    program = programs([name], SCALE)[0]
    reason = program.available()
    if reason:
        print(f"SKIP: {reason}")
        return 77
    try:
        program.prepare()
        for preload in (None, library):
            figures = program.run(preload)
            print(f"{preload or 'plain'}: {figures}")
            expect(set(figures) == FIELDS, f"{name}: fields are {sorted(figures)}")
            expect(all(figures[field] > 0 for field in FIELDS - {"system_seconds", "user_seconds"}),
                   f"{name}: a figure is 0")
            expect(figures["peak_rss_kib"] > 1024, f"{name}: no program of its size is so small")
    finally:
        program.close()
    return 0


def main():
    what, *words = sys.argv[1:]
    try:
        return one(*words) if what == "one" else measure(*words)
    except Failed as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
