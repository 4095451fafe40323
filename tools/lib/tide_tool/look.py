"""One process, looked at from outside as often as wanted."""
from dataclasses import dataclass

from . import kernel
from .errors import Gone, NoLibrary
from .figures import Gatherer, gather_steadily
from .memory import ProcessMemory, Unreadable
from .segments import Surveyor
from .sight import NotReady, find

# What figures of different moments may look like.
TORN = (ValueError, IndexError, KeyError, OverflowError, MemoryError)
ATTEMPTS = 5  # at a moment when the process changes nothing that is being read


@dataclass
class Look:
    """A process as it was at one moment, or nearly one."""

    pid: int
    name: str
    release: str
    rss: int
    totals: dict
    segments: list


class Process:
    """Finds the library in a process, and again after the process has become another program."""

    def __init__(self, pid):
        self.pid = pid
        self.memory = self.sight = self.gatherer = None

    def close(self):
        if self.memory:
            self.memory.close()
        self.memory = self.sight = self.gatherer = None

    def find_library(self):
        """Raises NoLibrary, NotReady, Denied, Gone, Unknown."""
        if self.sight and self.sight.is_still_there():
            return
        self.close()
        kernel.slurp(self.pid, "maps")  # tells a missing process from a forbidden one
        self.memory = ProcessMemory(self.pid)
        try:
            self.sight = find(self.memory, kernel.mappings(self.pid))
            self.gatherer = Gatherer(self.sight)
        except Unreadable as error:
            self.sight = None
            raise NotReady from error
        except Exception:
            self.sight = None
            raise

    def figures(self):
        self.find_library()
        try:
            return gather_steadily(self.gatherer)
        except TORN as error:
            raise Unreadable from error

    def look(self):
        """A Look, with segments."""
        for attempt in range(ATTEMPTS):
            try:
                totals = self.figures()
                segments = Surveyor(self.pid, self.sight).survey()
                rss = sum(segment.resident or 0 for segment in segments)
                return Look(self.pid, kernel.command_name(self.pid), self.sight.release, rss,
                            totals, segments)
            except NotReady:
                self.close()
                reason = NoLibrary("tidemalloc in it has not started")
            except (Unreadable, *TORN):
                reason = Gone("it changes faster than it can be read")
        raise reason


def look_at(pid):
    """A single Look. The line of what goes wrong names the process."""
    process = Process(pid)
    try:
        return process.look()
    except NoLibrary as error:
        raise NoLibrary(f"process {pid} ({kernel.command_name(pid)}): {error}") from error
    except Gone as error:
        text = str(error)
        raise Gone(text if str(pid) in text else f"process {pid}: {text}") from error
    finally:
        process.close()
