# bench/programs/git.py - git packs a whole repository anew, with two threads.
import os
import shutil

from .shared.command import Command
from .shared.draw import Draw
from .shared.program import digest

COMMITS = 1500
FILES = 120
LINES = 150
CHANGED_FILES = 5


class Git(Command):
    name = "git"
    what = "git repack -adf --threads=2 of a repository of many commits: deltas are sought anew"
    packages = ("git",)
    binary = "git"
    variables = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}

    def make_inputs(self):
        with open(self.path("stream"), "wb") as stream:
            for piece in self.history():
                stream.write(piece)
        template = self.path("template")
        self.helper(["git", "init", "--quiet", "--bare", template])
        self.helper(["git", "-C", template, "fast-import", "--quiet"], self.path("stream"))
        os.remove(self.path("stream"))

    def history(self):
        """A stream for fast-import: text files of which each commit changes a few lines."""
        draw = Draw(2)
        texts = [[draw.words(8) for _ in range(LINES)] for _ in range(FILES)]
        for number in range(self.scaled(COMMITS, least=20)):
            message = draw.words(10).encode()
            yield (f"commit refs/heads/main\ncommitter A <a@example.org> {1500000000 + number} "
                   f"+0000\ndata {len(message)}\n").encode() + message + b"\n"
            for _ in range(CHANGED_FILES):
                place = draw.below(FILES)
                for _ in range(1 + draw.below(6)):
                    texts[place][draw.below(LINES)] = draw.words(8)
                text = "\n".join(texts[place]).encode()
                yield f"M 644 inline d{place % 7}/file{place}\ndata {len(text)}\n".encode()
                yield text + b"\n"

    def before(self):
        shutil.copytree(self.path("template"), self.path("run", "repository"))

    def command(self):
        return ["git", "-C", "repository", "repack", "-adfq", "--threads=2", "--window=20"]

    def answer(self):
        """All objects by name, type and size. Which deltas are chosen depends on the threads."""
        where = ["git", "-C", self.path("run", "repository")]
        objects = self.helper([*where, "cat-file", "--batch-all-objects", "--batch-check"])
        self.helper([*where, "fsck", "--full"])
        packs = self.helper([*where, "count-objects", "-v"]).decode().split("\n")
        return [digest(objects)] + [line for line in packs if line.startswith(("packs:", "count:"))]


def programs(scale=1.0):
    return [Git(scale)]
