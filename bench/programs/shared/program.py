# bench/programs/shared/program.py - what all programs have in common: a folder of their own, a
# fixed environment, a first run that the others are compared with, an eye on memory and time.
import atexit
import hashlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

PATH = "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/usr/local/sbin"
LIMIT_S = 300         # one run, at the longest
FREE_KIB = 1 << 20    # what a run must leave of the machine's memory
POLL_S = 0.02
STOP_S = 60           # for a server to end after SIGTERM

# Variables that an allocator reads go through: who sets them wants to measure just that.
SETTINGS = re.compile(r"^(TIDE_(?!JOBS$|SETUP_|ROOT$|PACKAGES$|CMAKE_)|MALLOC_|MIMALLOC_|TCMALLOC_"
                      r"|JE_MALLOC_|_RJEM_|GLIBC_TUNABLES$)")
OTHER_MALLOC = re.compile(r"lib(jemalloc|tcmalloc|mimalloc)[^ ]*\.so")


class Failed(Exception):
    """A run that went wrong; the text says how."""


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def digest_of_file(path):
    with open(path, "rb") as file:
        return digest(file.read())


def end_of(path):
    """The last words of a log, on one line."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return " | ".join(line.strip() for line in file.readlines()[-4:])[-400:]


def free_kib():
    with open("/proc/meminfo", encoding="ascii") as file:
        return int(re.search(r"^MemAvailable:\s+(\d+)", file.read(), re.MULTILINE).group(1))


def libc_path():
    """The C library of this process, which is that of every program of the distribution."""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        found = re.search(r"(/\S*/libc\.so\.6)$", maps.read(), re.MULTILINE)
    return found.group(1) if found else None


def difference(answer, expected):
    """The first part of two answers that is not the same, in words."""
    parts = [part if isinstance(part, list) else str(part).splitlines()
             for part in (answer, expected)]
    for got, wanted in itertools.zip_longest(*parts, fillvalue="nothing"):
        if got != wanted:
            return f"{str(got)[:100]} instead of {str(wanted)[:100]}"
    return "in the ends of its lines"


def exit_text(code):
    """A status as subprocess has it, in words."""
    if code >= 0:
        return f"ended with status {code}"
    return f"was ended by {signal.Signals(-code).name}"


class Program:
    """One program with its work. A kind derives from it and sets name, what, packages, binary (the
    one that is measured) and tools (others that it calls), and says how:

      make_inputs()     writes what the runs need into self.folder; once
      measure(preload)  one run: (figures, answer). An answer is what must not differ between
                        allocators: a digest, a count.
    """
    name, what, binary = "", "", ""
    packages, tools = (), ()
    helpers = ()    # commands that the measurement itself needs
    variables = {}  # of the program's environment, beside the fixed ones

    def __init__(self, scale=1.0):
        self.scale = scale
        self.folder = None
        self.expected = None

    # ---- for the driver ----

    def available(self):
        """None, or why the program cannot run here."""
        for tool in (self.binary, *self.tools, *self.helpers, "ldd"):
            if not shutil.which(tool, path=PATH):
                return f"no {tool} here (Debian packages: {' '.join(self.packages)})"
        return None

    def prepare(self):
        """Makes the inputs, and runs once without a preload: the answer of that run is expected of
        all others, and files are in memory from then on. Does nothing the second time."""
        if self.folder:
            return
        self.folder = tempfile.mkdtemp(prefix="tide-programs-")
        atexit.register(self.close)  # for a driver that is interrupted
        try:
            self.make_inputs()
            self.expected = self.measure(self.own_malloc())[1]
        except BaseException:
            self.close()
            raise

    def run(self, preload=None):
        """The figures of one run; Failed with the reason when the program did not do its work."""
        self.prepare()
        figures, answer = self.measure(os.path.abspath(preload) if preload else self.own_malloc())
        if answer != self.expected:
            raise Failed(f"{self.name}: its output differs from the first run's: "
                         f"{difference(answer, self.expected)}")
        return {name: round(value, 6) for name, value in figures.items()}

    def close(self):
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    # ---- for the kinds ----

    def make_inputs(self):
        raise NotImplementedError

    def measure(self, preload):
        raise NotImplementedError

    def scaled(self, count, least=1):
        return max(least, round(count * self.scale))

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def environment(self):
        """The same for every run, whoever starts it; LD_PRELOAD is not part of it."""
        kept = {name: value for name, value in os.environ.items() if SETTINGS.match(name)}
        return {**kept, "PATH": PATH, "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": self.folder,
                "TMPDIR": self.folder, **self.variables}

    def own_malloc(self):
        """What is preloaded when nothing is to be: None, but the C library where the distribution
        links the program with another malloc, which would pass for glibc's."""
        binary = shutil.which(self.binary, path=PATH)
        listed = subprocess.run(["ldd", binary], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                env={"PATH": PATH}, text=True, check=False).stdout
        return libc_path() if OTHER_MALLOC.search(listed) else None

    def helper(self, command, stdin=None, expect=0):
        """Runs a command that is not measured, never under a preload; gives its stdout."""
        with open(stdin or os.devnull, "rb") as source:
            try:
                done = subprocess.run(command, env=self.environment(), cwd=self.folder,
                                      stdin=source, capture_output=True, check=False,
                                      timeout=LIMIT_S)
            except subprocess.TimeoutExpired:
                raise Failed(f"{self.name}: {command[0]} took over {LIMIT_S} s") from None
        if done.returncode != expect:
            said = (done.stderr or done.stdout).decode(errors="replace").strip()[-300:]
            raise Failed(f"{self.name}: {command[0]} {exit_text(done.returncode)}: {said}")
        return done.stdout

    def check(self, holds, said):
        if not holds:
            raise Failed(f"{self.name}: not the answer expected: {said.strip()[-300:]}")

    def wait(self, process, beside=None):
        """Until a process ends, within time and memory; when `beside` (a server) ends before it,
        that is a failure."""
        deadline = time.monotonic() + LIMIT_S
        while process.poll() is None:
            if time.monotonic() > deadline:
                raise Failed(f"{self.name}: not done after {LIMIT_S} s")
            if free_kib() < FREE_KIB:
                raise Failed(f"{self.name}: stopped, it used up the memory of the machine")
            if beside is not None and beside.poll() is not None:
                raise Failed(f"{self.name}: the server {exit_text(beside.returncode)}")
            time.sleep(POLL_S)
        return process.returncode

    def check_preloaded(self, log):
        """The loader only warns about a library that it cannot preload."""
        with open(log, "rb") as file:
            if b"cannot be preloaded" in file.read():
                raise Failed(f"{self.name}: {end_of(log)}")


def end_group(process):
    """Ends a process that leads a group, with the group; nothing when it ended already."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
