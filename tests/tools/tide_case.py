"""What the tests of `tide` share: the programs they look at, running tide, processes that end.

The environment names what the build made: TESTED_LIBRARY, and TESTED_PROGRAMS, the folder of
tide_subject_FORM."""
import contextlib
import json
import os
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TIDE = os.path.join(ROOT, "tools", "tide")
sys.path.insert(0, os.path.join(ROOT, "tools", "lib"))

LIBRARY = os.environ.pop("TESTED_LIBRARY")
PROGRAMS = os.environ.pop("TESTED_PROGRAMS")
SECONDS = 60
FORMS = ("preloaded", "shared", "archive", "static")  # static: nothing dynamic, and stripped


def environment(**more):
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith(("TIDE_", "MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD"))}
    return {**clean, **more}


def tide(*arguments, **options):
    options = {"env": environment(), "timeout": SECONDS, **options}
    return subprocess.run([sys.executable, TIDE, *arguments], capture_output=True, text=True,
                          check=False, **options)


@contextlib.contextmanager
def program(*command, env=None):
    """A running program that ends with the end of its stdin, or by force."""
    child = subprocess.Popen(command, env=env or environment(), stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()


@contextlib.contextmanager
def subject(what, form="shared", library=LIBRARY, **settings):
    """tide_subject after it has said what it holds: the process, and that."""
    preload = {"LD_PRELOAD": library} if form == "preloaded" else {}
    name = os.path.join(PROGRAMS, f"tide_subject_{form}")
    with program(name, what, env=environment(**preload, **settings)) as child:
        line = child.stdout.readline()
        if not line:
            raise AssertionError(f"{name} {what} ended: {child.wait()}")
        yield child, json.loads(line)


class TideCase(unittest.TestCase):
    """Checks of a run of tide."""

    def assert_line(self, done, status, line):
        """It failed with exactly this line."""
        self.assertEqual((done.returncode, done.stderr, done.stdout), (status, line + "\n", ""))

    def maps_json(self, pid):
        done = tide("maps", "--json", str(pid))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)


def segment_at(look, address):
    for segment in look["segments"]:
        if int(segment["start"], 16) <= address < int(segment["end"], 16):
            return segment
    return None
