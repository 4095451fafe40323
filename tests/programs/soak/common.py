# tests/programs/soak/common.py - what the kinds of soak.py share: values that tell whose they are,
# and what is added to a server of bench/programs.
import multiprocessing
import os
import tempfile

from programs.shared.program import digest
from programs.shared.server import with_children

SIZES = (20, 200, 1000, 4000, 20000, 90000)


def value_of(key, version, size):
    """Bytes that no other key or version has, for any size."""
    unit = f"{key}#{version}|".encode()
    return (unit * (size // len(unit) + 1))[:size]


def some_size(rng):
    return rng.choice(SIZES) * rng.randrange(50, 101) // 100


def same(answer, expected, what):
    """What was read has to be what was written."""
    if answer != expected:
        def shown(data):
            return data if not isinstance(data, bytes) else f"{len(data)} bytes {digest(data)}"
        raise AssertionError(f"{what}: {shown(answer)} instead of {shown(expected)}")


class SoakMixin:
    """A kind adds talk(number, generation, rng), which goes on until it is killed and calls
    done() now and then, and disturb()."""

    def __init__(self):
        super().__init__()
        self.disturbed = 0
        self.counts = multiprocessing.Array("Q", 64, lock=False)  # one a client, written by it

    def folder_made(self):
        self.folder = tempfile.mkdtemp(prefix="tide-soak-")
        os.chmod(self.folder, 0o755)

    def done(self, number):
        self.counts[number] += 1

    def operations(self):
        return sum(self.counts)

    def measured(self):
        """The processes whose memory counts."""
        return [self.process.pid]

    def workers(self):
        try:
            return with_children(self.process.pid)
        except OSError:
            return [self.process.pid]

    def disturb(self):
        self.disturbed += 1
