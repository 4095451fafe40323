"""What /proc says of a process: its mappings, what of them is resident, where its stacks are."""
import array
import os
import re
from dataclasses import dataclass

from .errors import Gone
from .memory import PAGE_BYTES, explain

PRESENT = 1 << 63  # of a word of /proc/PID/pagemap
HEAD = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) \S+ (\d+) *(.*)")


@dataclass
class Mapping:
    """One line of /proc/PID/maps, and what /proc/PID/smaps says of it."""

    start: int
    end: int
    access: str        # "rw-p"
    offset: int
    inode: int
    path: str          # "", "[stack]", "/usr/lib/..."
    resident: int = 0

    @property
    def size(self):
        return self.end - self.start

    @property
    def is_anonymous(self):
        return self.inode == 0 and (not self.path or self.path.startswith("[anon:"))

    @property
    def is_readable(self):
        return self.access.startswith("r")

    @property
    def is_out_of_reach(self):
        return self.access.startswith("---p")

    @property
    def is_private_data(self):
        return self.is_anonymous and self.access.startswith("rw-p")


def slurp(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise explain(pid, error) from error


def parse_maps(text):
    """Mappings of the text of maps or smaps, in order of addresses."""
    found = []
    for line in text.splitlines():
        head = HEAD.fullmatch(line)
        if head:
            start, end, access, offset, inode, path = head.groups()
            found.append(Mapping(int(start, 16), int(end, 16), access, int(offset, 16),
                                 int(inode), path))
        elif line.startswith("Rss:") and found:
            found[-1].resident = int(line.split()[1]) * 1024
    return found


def mappings(pid, resident=False):
    """All mappings; with `resident` the kernel counts their pages, which takes it longer."""
    found = parse_maps(slurp(pid, "smaps" if resident else "maps"))
    if not found:
        raise Gone(f"process {pid} has ended, or is a thread of the kernel")
    return found


def resident_bytes(pid):
    """The RSS as the kernel keeps it: cheap, and exact to some pages a processor."""
    return int(slurp(pid, "statm").split()[1]) * PAGE_BYTES


def peak_bytes(pid):
    """The greatest RSS that it had as the program it is now; 0 when it has ended."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", slurp(pid, "status"), re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


def present_bytes(pid, start, end):
    """Bytes of a range that have a page, that of zeros included; None: the kernel does not say."""
    words = array.array("Q")
    try:
        with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as file:
            wanted = (end - start) // PAGE_BYTES * words.itemsize
            found = os.pread(file.fileno(), wanted, start // PAGE_BYTES * words.itemsize)
    except OSError:
        return None
    words.frombytes(found[:len(found) // words.itemsize * words.itemsize])
    return sum(1 for word in words if word & PRESENT) * PAGE_BYTES


def stack_pointers(pid):
    """Where the threads' stacks are, for those that wait in the kernel."""
    found = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for thread in threads:
        try:
            words = slurp(pid, f"task/{thread}/syscall").split()
        except Exception:  # that thread has ended, or nobody may ask
            continue
        if len(words) > 2:
            found.append(int(words[-2], 16))
    return found


def command_name(pid):
    return slurp(pid, "comm").strip()
