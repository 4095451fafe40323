#!/usr/bin/python3
"""What soak.py refuses, by little servers that do wrong: a soak that cannot fail shows nothing.

usage: soak_refuses.py LIBRARY      exit status 0, or 1 with a reason
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from soak import soak  # noqa: E402 (it says where the programs are)
from programs.shared.program import Failed  # noqa: E402
from programs.shared.server import Server  # noqa: E402
from soak.common import SoakMixin, same  # noqa: E402

SECONDS = 4
LIVE_KIB = 50 << 10  # of the servers that are figures alone
SERVES = "trap 'exit 0' TERM; : > ready; while :; do sleep 0.1; done"
DOUBLES = f"""
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
open("ready", "w").close()
block = bytearray(b"x") * (8 << 20)
while True:
    time.sleep(0.5)
    block += block[:8 << 20]
"""


class Little(SoakMixin, Server):
    """Clients of it want `answer` to be "right"."""
    binary = "sh"

    def __init__(self, name, script=SERVES, answer="right"):
        super().__init__()
        self.name, self.script, self.answer = name, script, answer

    def make_inputs(self):
        pass

    def server(self):
        return ["sh", "-c", self.script]

    def ready(self):
        return os.path.exists(self.path("ready")) or None

    def talk(self, number, generation, rng):
        while True:
            same(self.answer, "right", f"client {number}")
            self.done(number)


class Doubles(Little):
    binary = "python3"

    def server(self):
        return ["python3", "-c", DOUBLES]


def refused(words, function, *arguments):
    """It must fail with these words."""
    try:
        function(*arguments)
    except Failed as failure:
        if words not in str(failure):
            raise Failed(f"failed with '{failure}', not '{words}'") from None
        return
    raise Failed(f"should have failed: {words}")


def check_servers(library):
    soak.run(Little("good"), library, SECONDS)
    for kind, words in (
            (Little("wrong", answer="wrong"), "ended with 1"),
            (Little("dies", ": > ready; sleep 2; exit 3"), "the server ended with status 3"),
            (Little("crashes", ": > ready; sleep 2; kill -SEGV $$"), "was ended by SIGSEGV"),
            (Little("complains", "echo tidemalloc: no >&2; " + SERVES), "the library complained"),
            (Doubles("doubles"), "in the last tenth of the time")):
        refused(words, soak.run, kind, library, SECONDS)


def figures(leak, seconds=600):
    """Resident KiB each second: what is live, four hundredths up and down, and in all the time so
    much more of it leaks."""
    return [round(LIVE_KIB * (1 + 0.04 * (second % 3 - 1) + leak * second / seconds))
            for second in range(seconds)]


def check_figures():
    kind = Little("figures")
    soak.verdict(kind, figures(0), 0)
    refused("from the middle of the time to its end", soak.verdict, kind, figures(0.3), 0)
    refused("in the last tenth of the time", soak.verdict, kind,
            figures(0)[:-1] + [round(LIVE_KIB * 1.12)], 0)


if __name__ == "__main__":
    try:
        check_figures()
        check_servers(os.path.abspath(sys.argv[1]))
    except Failed as failure:
        sys.exit(f"soak_refuses: {failure}")
