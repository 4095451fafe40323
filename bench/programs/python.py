# bench/programs/python.py - python3 runs a script, with its own allocator of small objects above
# malloc (as it comes) and without.
import os

from .shared.command import Command

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "input", "work.py")
ROUNDS = 20


class Python(Command):
    name = "python3"
    what = "python3: JSON out and in, records, regular expressions, sorting, objects in a tree"
    packages = ("python3-minimal", "libpython3-stdlib")
    binary = "python3"
    variables = {"PYTHONHASHSEED": "0"}

    def make_inputs(self):
        """The script is all it needs."""

    def command(self):
        return ["python3", "-s", "-B", SCRIPT, str(self.scaled(ROUNDS))]


class PythonMalloc(Python):
    name = "python3_malloc"
    what = "the same with PYTHONMALLOC=malloc: every object comes from malloc"
    variables = {"PYTHONHASHSEED": "0", "PYTHONMALLOC": "malloc"}


def programs(scale=1.0):
    return [Python(scale), PythonMalloc(scale)]
