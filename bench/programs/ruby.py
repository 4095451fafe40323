# bench/programs/ruby.py - ruby runs a script that keeps its garbage collector busy.
import os

from .shared.command import Command

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "input", "work.rb")
ROUNDS = 8


class Ruby(Command):
    name = "ruby"
    what = "ruby: objects, strings, hashes and blocks, most of them soon collected"
    packages = ("ruby",)
    binary = "ruby"

    def make_inputs(self):
        """The script is all it needs."""

    def command(self):
        return ["ruby", "--disable=gems", SCRIPT, str(self.scaled(ROUNDS))]


def programs(scale=1.0):
    return [Ruby(scale)]
