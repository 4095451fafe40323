# bench/programs/shared/server.py - a program that serves a load and is measured meanwhile.
#
# Only the server runs under the preload. Its CPU time and faults are those of the load, without
# the start; its peak of memory is that of its whole life, read before it is stopped.
import os
import re
import signal
import subprocess
import time

from .program import Failed, POLL_S, Program, STOP_S, end_group, end_of, exit_text

READY_S = 60
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
AFTER_NAME = 3  # number of the first field of /proc/PID/stat behind the name, counted from 1


def process_cpu_seconds(pid):
    """All threads of a process, ended ones too, to the nanosecond: the clock that
    clock_getcpuclockid(3) names."""
    return time.clock_gettime((~pid << 3) | 2)


def stat_fields(pid, *numbers):
    """Fields of /proc/PID/stat, numbered as in proc(5)."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return [int(fields[number - AFTER_NAME]) for number in numbers]


def peak_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        return int(re.search(r"^VmHWM:\s+(\d+)", status.read(), re.MULTILINE).group(1))


def with_children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
        return [pid] + [int(child) for child in children.read().split()]


def spent(pids):
    """(CPU, user, system seconds, minor faults) of processes so far."""
    minor, user, system = (sum(column) for column in
                           zip(*(stat_fields(pid, 10, 14, 15) for pid in pids)))
    cpu = sum(map(process_cpu_seconds, pids))
    return cpu, user / TICKS_PER_S, system / TICKS_PER_S, minor


class Server(Program):
    """A kind says server() (a list), ready() (None as long as it is not), load() and answer()."""
    helpers = ("setpriv",)

    def __init__(self, scale=1.0):
        super().__init__(scale)
        self.process = None

    def before(self):
        """Not measured: what has to be fresh for each run."""

    def server(self):
        raise NotImplementedError

    def ready(self):
        raise NotImplementedError

    def fill(self):
        """Not measured: what the server has to know before the load."""

    def load(self):
        raise NotImplementedError

    def answer(self):
        raise NotImplementedError

    def log(self):
        return self.path("server.log")

    def measure(self, preload):
        self.before()
        self.start(preload)
        try:
            self.wait_ready()
            self.check_mapped(preload)
            self.fill()
            figures = self.measure_load()
            answer = self.answer()
            self.stop()
        finally:
            # By SIGTERM first: SIGKILL would leave the workers of a server behind.
            if self.process.poll() is None:
                self.process.terminate()
                try:
                    self.process.wait(5)
                except subprocess.TimeoutExpired:
                    end_group(self.process)
        return figures, answer

    def start(self, preload):
        """Ends with this process, whatever happens to it."""
        command = ["setpriv", "--pdeathsig", "TERM", "env"]
        command += [f"LD_PRELOAD={preload}"] if preload else []
        with open(self.log(), "wb") as log:
            self.process = subprocess.Popen(
                command + self.server(), env=self.environment(), cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def wait_ready(self):
        deadline = time.monotonic() + READY_S
        while self.ready() is None:
            if self.process.poll() is not None:
                raise Failed(f"{self.name}: the server {exit_text(self.process.returncode)} at its "
                             f"start: {end_of(self.log())}")
            if time.monotonic() > deadline:
                raise Failed(f"{self.name}: the server did not start: {end_of(self.log())}")
            time.sleep(POLL_S)

    def check_mapped(self, preload):
        if not preload:
            return
        with open(f"/proc/{self.process.pid}/maps", encoding="utf-8", errors="replace") as maps:
            if os.path.realpath(preload) not in maps.read():
                raise Failed(f"{self.name}: {preload} could not be preloaded")

    def measure_load(self):
        pids = with_children(self.process.pid)
        before, start = spent(pids), time.monotonic()
        self.load()
        seconds = time.monotonic() - start
        try:
            after, peak = spent(pids), max(map(peak_kib, pids))
        except (OSError, AttributeError) as problem:
            raise Failed(f"{self.name}: a process of the server ended under the load: "
                         f"{end_of(self.log())}") from problem
        cpu, user, system, minor = (b - a for a, b in zip(before, after))
        return {"seconds": seconds, "cpu_seconds": cpu, "user_seconds": user,
                "system_seconds": system, "peak_rss_kib": peak, "minor_faults": minor}

    def client(self, command, stdin=None):
        """A load generator, without the preload; gives what it printed."""
        with open(stdin or os.devnull, "rb") as source, open(self.path("client.log"), "wb") as log:
            process = subprocess.Popen(
                command, env=self.environment(), cwd=self.folder, stdin=source, stdout=log,
                stderr=log, start_new_session=True)
        try:
            code = self.wait(process, beside=self.process)
        finally:
            end_group(process)
        if code != 0:
            raise Failed(f"{self.name}: {command[0]} {exit_text(code)}: "
                         f"{end_of(self.path('client.log'))}")
        with open(self.path("client.log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name}: the server did not end") from None
        if code != 0:
            raise Failed(f"{self.name}: the server {exit_text(code)}: {end_of(self.log())}")
        self.check_preloaded(self.log())
