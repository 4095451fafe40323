# bench/programs/cppcheck.py - cppcheck looks at sources of this repository, as they are now:
# figures of different commits are not of the same work.
import glob
import os

from .shared.command import Command
from .shared.program import Failed, digest_of_file

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
FOLDERS = ("base", "conf", "os", "page", "heap", "local", "entry")  # of src, as they build up


class Cppcheck(Command):
    name = "cppcheck"
    what = "cppcheck: all its checks over C files of this repository"
    packages = ("cppcheck",)
    binary = "cppcheck"

    def make_inputs(self):
        """A copy, which nobody changes between the runs."""
        self.helper(["cp", "-r", os.path.join(ROOT, "src"), self.path("src")])
        self.files = [name for folder in FOLDERS
                      for name in sorted(glob.glob(f"src/{folder}/*.c", root_dir=self.folder))]
        if not self.files:
            raise Failed("cppcheck: there are no sources")
        self.files = self.files[:self.scaled(len(self.files))]

    def command(self):
        files = [self.path(name) for name in self.files]
        return ["cppcheck", "--enable=all", "--inconclusive", "--std=c11", "--quiet",
                "--max-configs=4", "--output-file=found", "-I", self.path("src"), *files]

    def answer(self):
        return digest_of_file(self.path("run", "found"))


def programs(scale=1.0):
    return [Cppcheck(scale)]
