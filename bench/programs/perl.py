# bench/programs/perl.py - perl runs a script.
import os

from .shared.command import Command

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "input", "work.pl")
ROUNDS = 6


class Perl(Command):
    name = "perl"
    what = "perl: hashes of arrays, strings that are split, joined, matched and grown, sorting"
    packages = ("perl-base",)
    binary = "perl"
    variables = {"PERL_HASH_SEED": "0", "PERL_PERTURB_KEYS": "0"}

    def make_inputs(self):
        """The script is all it needs."""

    def command(self):
        return ["perl", SCRIPT, str(self.scaled(ROUNDS))]


def programs(scale=1.0):
    return [Perl(scale)]
