# tools/lib/kv_measure.py - one run of kv_server under one allocator, with kv_load as its client.
#
# The allocator is preloaded into the server only. RSS is read from /proc/PID/status: VmHWM is the
# peak, VmRSS what is resident now.
import dataclasses
import json
import os
import select
import signal
import subprocess
import time

START_S = 20   # for the server to say that it is ready
STOP_S = 20    # for the server to end after SIGTERM
SPARE_S = 120  # for the load, beyond the length of its measured phase


class Failed(Exception):
    """A run that went wrong; the text says how."""


@dataclasses.dataclass
class Allocator:
    name: str
    library: str  # path to preload; empty: libc's own


@dataclasses.dataclass
class Job:
    """What every run does."""
    server: str
    load: str
    address: str
    workers: int
    memory_mib: int
    keys: int
    seconds: float
    idle_s: float


@dataclasses.dataclass
class Result:
    allocator: str
    requests_per_s: float
    p50_us: float
    p99_us: float
    p99_9_us: float
    cpu_us_per_request: float
    peak_kib: int
    idle_kib: int = 0


def status_kib(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1])
    raise Failed(f"no {field} in /proc/{pid}/status")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Server:
    """A running kv_server. Ends with stop(), or with kill() when something went wrong."""

    def __init__(self, job, allocator):
        environment = dict(os.environ)
        environment.pop("LD_PRELOAD", None)
        if allocator.library:
            environment["LD_PRELOAD"] = allocator.library
        self.name = allocator.name
        self.process = subprocess.Popen(
            [job.server, "--listen", job.address, "--workers", str(job.workers),
             "--memory", str(job.memory_mib)],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.pid = self.process.pid
        try:
            self.wait_ready()
            self.check_preload(allocator.library)
        except BaseException:  # a signal, too: nobody else knows this server yet
            self.kill()
            raise

    def wait_ready(self):
        readable, _, _ = select.select([self.process.stdout], [], [], START_S)
        if not readable or self.process.stdout.readline() != b"ready\n":
            raise Failed(f"{self.name}: the server did not start")

    def check_preload(self, library):
        """The loader only warns about a library that it cannot preload: look for it."""
        if not library:
            return
        with open(f"/proc/{self.pid}/maps", encoding="utf-8", errors="replace") as maps:
            if os.path.realpath(library) in maps.read():
                return
        raise Failed(f"{self.name}: {library} could not be preloaded")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"{self.name}: the server did not end") from None
        if code != 0:
            raise Failed(f"{self.name}: the server ended with {code}")

    def kill(self):
        self.process.kill()
        self.process.wait()


def run_load(job, tick):
    """The load's own report. tick is called often while it runs."""
    load = subprocess.Popen(
        [job.load, "--connect", job.address, "--threads", str(job.workers),
         "--keys", str(job.keys), "--seconds", str(job.seconds)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + job.seconds + SPARE_S
    try:
        while load.poll() is None:
            if time.monotonic() > deadline:
                raise Failed("the load did not end")
            tick()
            time.sleep(0.05)
        report = load.stdout.read()
    finally:
        if load.poll() is None:
            load.kill()
            load.wait()
    if load.returncode != 0:
        raise Failed(f"the load found errors: {' '.join(report.split())}")
    return json.loads(report)


def measure(job, server, tick):
    """Everything but the idle RSS, which is read later by the caller."""
    before = cpu_seconds(server.pid)
    report = run_load(job, tick)
    requests = report["requests"] + report["fill_requests"] + report["clear_requests"]
    return Result(
        allocator=server.name,
        requests_per_s=report["requests_per_s"],
        p50_us=report["p50_us"],
        p99_us=report["p99_us"],
        p99_9_us=report["p99_9_us"],
        cpu_us_per_request=(cpu_seconds(server.pid) - before) * 1e6 / requests,
        peak_kib=status_kib(server.pid, "VmHWM"))
