#!/usr/bin/python3
"""A real server on the library for a long time: load, answers verified, clients killed.

usage: soak.py redis|mariadb|nginx|memcached LIBRARY [SECONDS]     (default 600)

Clients are processes of their own. Each writes what only it knows, reads it back, and compares;
one is killed by SIGKILL every other second, in the middle of whatever it does, and replaced. In
between the server is disturbed in its own way (BGSAVE, a reload). Every second the resident memory
of the server is noted. Exit status 0: every answer was right, the server ended well, and its memory
in the last tenth of the time was never above 1.1 times that at the begin of that tenth; 1 with a
reason; 77 when something is not installed. A leak that takes the whole ten minutes adds little to
one of ten parts, so the last tenth as a whole may not be above 1.1 times the middle one, either.
"""
import multiprocessing
import os
import random
import signal
import statistics
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:1] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..", "..", "bench")]

from programs.shared.program import Failed, end_of, exit_text  # noqa: E402

CLIENTS = 6
DISTURB_S = 5
FLAT = 1.10          # most memory in the last tenth, as a multiple of its begin, or of the middle
BEGIN_SAMPLES = 5    # whose median is "its begin"
SKIPPED = 77


def resident_kib(pids):
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm", encoding="ascii") as file:
                total += int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
        except (FileNotFoundError, ProcessLookupError):
            pass  # a child that ended meanwhile
    return total


def kind_of(name):
    import importlib  # only here: a kind needs modules that may be missing
    return importlib.import_module(f"soak.{name}").Soak()


def client_main(kind, number, generation):
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    try:
        kind.talk(number, generation, random.Random(number * 1000 + generation))
    except BaseException:
        traceback.print_exc()
        os._exit(1)


class Crowd:
    """The clients; the generation of each counts how often it was killed."""

    def __init__(self, kind):
        self.kind, self.generations, self.killed = kind, [0] * CLIENTS, 0
        self.processes = [self.start(number) for number in range(CLIENTS)]

    def start(self, number):
        process = multiprocessing.Process(
            target=client_main, args=(self.kind, number, self.generations[number]))
        process.start()
        return process

    def check(self):
        for number, process in enumerate(self.processes):
            if process.exitcode is not None:
                raise Failed(f"client {number} ended with {process.exitcode}")

    def kill_one(self, number):
        self.processes[number].kill()
        self.processes[number].join()
        if self.processes[number].exitcode != -signal.SIGKILL:  # it failed just before
            self.check()
        self.killed += 1
        self.generations[number] += 1
        self.processes[number] = self.start(number)

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.join(20)
            if process.exitcode is None:
                process.kill()


def soak(kind, seconds):
    crowd, samples, tick = Crowd(kind), [], 0
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            time.sleep(1)
            tick += 1
            if kind.process.poll() is not None:
                raise Failed(f"the server {exit_text(kind.process.returncode)}: "
                             f"{end_of(kind.log())}")
            crowd.check()
            samples.append(resident_kib(kind.measured()))
            if tick % 2 == 0:
                crowd.kill_one(tick // 2 % CLIENTS)
            if tick % DISTURB_S == 0:
                kind.disturb()
        crowd.check()
    finally:
        crowd.stop()
    return samples, crowd.killed


def check_flat(begin, then, when):
    if then > FLAT * begin:
        raise Failed(f"memory grew from {begin} to {then} KiB {when}")


def verdict(kind, samples, killed):
    tenth = max(len(samples) // 10, 2 * BEGIN_SAMPLES)
    last, middle = samples[-tenth:], samples[max(0, len(samples) - tenth) // 2:][:tenth]
    begin, most = statistics.median(last[:BEGIN_SAMPLES]), max(last)
    amid, whole = statistics.median(middle), statistics.median(last)
    print(f"{kind.name}: {len(samples)} s, {killed} clients killed, {kind.disturbed} times "
          f"disturbed, {kind.operations()} operations; MiB resident: peak "
          f"{max(samples) / 1024:.1f}, middle tenth {amid / 1024:.1f}, last {whole / 1024:.1f}, "
          f"{begin / 1024:.1f} to {most / 1024:.1f}")
    check_flat(begin, most, "in the last tenth of the time")
    check_flat(amid, whole, "from the middle of the time to its end")


def run(kind, library, seconds):
    kind.folder_made()
    try:
        kind.make_inputs()
        kind.before()
        kind.start(library)
        try:
            kind.wait_ready()
            kind.check_mapped(library)
            kind.fill()
            samples, killed = soak(kind, seconds)
            verdict(kind, samples, killed)
            kind.stop()
        finally:
            if kind.process.poll() is None:
                kind.process.kill()
        with open(kind.log(), encoding="utf-8", errors="replace") as log:
            said = [line for line in log if "tidemalloc:" in line]
        if said:
            raise Failed(f"the library complained: {said[0].strip()}")
    finally:
        kind.close()


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    name, library = sys.argv[1], os.path.abspath(sys.argv[2])
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 600
    try:
        kind = kind_of(name)
    except ModuleNotFoundError as missing:
        print(f"soak {name}: skipped: {missing} (Debian package python3-{missing.name})")
        sys.exit(SKIPPED)
    reason = kind.available()
    if reason:
        print(f"soak {name}: skipped: {reason}")
        sys.exit(SKIPPED)
    try:
        run(kind, library, seconds)
    except Failed as failure:
        sys.exit(f"soak {name}: FAILED: {failure}")


if __name__ == "__main__":
    main()
