"""Bytes at addresses: of a running process, read from outside, or of an ELF file that nobody runs.

Reading stops nothing, writes nothing and needs nobody's help. Figures read in two calls are of two
moments."""
import errno
import os

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection

from .errors import Denied, Gone

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
RELATIVE = {"EM_X86_64": 8, "EM_AARCH64": 1027}  # R_X86_64_RELATIVE, R_AARCH64_RELATIVE
TEXT_BYTES_MAX = 512


class Unreadable(Exception):
    """Nothing is mapped there, now."""


class Memory:
    """Reads beyond what is mapped raise Unreadable."""

    def read(self, address, count):
        raise NotImplementedError

    def number(self, address, count):
        return int.from_bytes(self.read(address, count), "little")

    def text(self, address):
        """The NUL-terminated text at an address; it may end short of a page that is not there."""
        found = b""
        while b"\0" not in found and len(found) < TEXT_BYTES_MAX:
            found += self.read(address + len(found), 32 - (address + len(found)) % 32)
        return found.split(b"\0")[0].decode("utf-8", "replace")


class ProcessMemory(Memory):
    """The memory of a process, by /proc/PID/mem. After an exec it is another one's: reopen."""

    def __init__(self, pid):
        self.pid = pid
        try:
            self.file = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise explain(pid, error) from error

    def close(self):
        os.close(self.file)

    def read(self, address, count):
        try:
            found = os.pread(self.file, count, address)
        except OSError as error:
            if error.errno in (errno.EIO, errno.EFAULT):
                raise Unreadable(hex(address)) from error
            raise explain(self.pid, error) from error
        except OverflowError as error:  # half of the address space, which no process has
            raise Unreadable(hex(address)) from error
        if not found:
            raise Gone(f"process {self.pid} has ended")
        if len(found) < count:
            raise Unreadable(hex(address + len(found)))
        return found


class FileMemory(Memory):
    """An ELF file as a loader would place it at address 0: relative relocations are done."""

    def __init__(self, stream):
        elf = ELFFile(stream)
        self.parts = [(segment["p_vaddr"], bytearray(segment.data()))
                      for segment in elf.iter_segments("PT_LOAD")]
        kind = RELATIVE.get(elf["e_machine"])
        for section in elf.iter_sections():
            if isinstance(section, RelocationSection) and section.is_RELA():
                for row in section.iter_relocations():
                    if row["r_info_type"] == kind:
                        self.write(row["r_offset"], row["r_addend"].to_bytes(8, "little"))

    def write(self, address, value):
        for base, data in self.parts:
            if base <= address < base + len(data):
                data[address - base:address - base + len(value)] = value

    def read(self, address, count):
        for base, data in self.parts:
            if base <= address and address + count <= base + len(data):
                return bytes(data[address - base:address - base + count])
        raise Unreadable(hex(address))


def explain(pid, error):
    """The line for an error of /proc/PID."""
    if error.errno in (errno.EPERM, errno.EACCES):
        return Denied(f"process {pid}: not permitted: {advice()}")
    if os.path.exists(f"/proc/{pid}"):
        return Gone(f"process {pid} has ended, or is a thread of the kernel")
    return Gone(f"no process {pid}")


def advice():
    try:
        with open("/proc/sys/kernel/yama/ptrace_scope", encoding="ascii") as setting:
            scope = setting.read().strip()
    except OSError:
        scope = "0"
    if scope != "0":
        return f"kernel.yama.ptrace_scope is {scope}; run as root, or start it by tide watch"
    return "it is another user's, or raised its privileges; run as root"
