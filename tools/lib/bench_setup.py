# tools/lib/bench_setup.py - what the benchmark needs: packages, the build, the paths of its parts.
#
# Packages are the business of setup.sh; nothing is installed that is already there.
import importlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SETUP = os.path.join(ROOT, "tools", "lib", "setup.sh")

BUILD_PACKAGES = ("gcc", "g++", "libc6-dev", "cmake", "ninja-build", "liburcu-dev", "pkg-config",
                  "libbenchmark-dev")
# What one can do without, and what is missed then.
WANTED_PACKAGES = (("python3-rich", "plain text instead of tables and a progress bar"),
                   ("python3-plotly", "no HTML report"))
# As a distribution's release calls them: the first name that apt knows is taken.
PEER_PACKAGES = (("jemalloc", ("libjemalloc2",)),
                 ("mimalloc", ("libmimalloc2.0", "libmimalloc3")),
                 ("gperftools", ("libtcmalloc-minimal4", "libtcmalloc-minimal4t64")))
TARGETS = ("tidemalloc", "bench/all")


class Unready(Exception):
    """The benchmark cannot start; the text says what is missing."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def ask_setup(function, packages):
    """Whether a function of setup.sh did what it promises; it says on stderr what went wrong.
    Servers among the packages are not started: programs under measurement start their own."""
    command = f'source "$0"; {function} "$@"'
    return subprocess.run(["bash", "-c", command, SETUP, *packages], check=False,
                          env={**os.environ, "TIDE_SETUP_NO_SERVICES": "1"}).returncode == 0


def want(loss, *packages):
    if not ask_setup("want_packages", packages):
        say(f"going on without {', '.join(packages)}: {loss}")


def known_name(names):
    """The package as this distribution calls it."""
    for name in names:
        found = subprocess.run(["apt-cache", "show", "--no-all-versions", name], check=False,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if found.returncode == 0:
            return name
    return names[0]


def install(peers, tools):
    """Everything for the build, then what one can do without: the peers named and the tools
    (strace, valgrind). Leaves with Unready when the build cannot do without."""
    if not ask_setup("need_packages", BUILD_PACKAGES):
        raise Unready("packages for the build are missing (--no-install: go on as it is)")
    for package, loss in WANTED_PACKAGES:
        want(loss, package)
    has_apt = shutil.which("apt-cache") is not None
    for peer, names in PEER_PACKAGES:
        if peer in peers:
            want(f"no {peer} in the comparison", known_name(names) if has_apt else names[0])
    for tool in tools:
        want("what it counts is not in the result", tool)
    importlib.invalidate_caches()  # what was not there when this process began may be now


def install_programs(programs):
    """What the real programs need, each for itself; those that lack something say so later."""
    for program in programs:
        want(f"no {program.name} among the programs", *program.packages)


def run_logged(command, log, environment):
    with open(log, "ab") as file:
        return subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                              stdout=file, stderr=subprocess.STDOUT, check=False).returncode == 0


def build(folder):
    """Configures and builds the release preset: the library and the benchmark, nothing else."""
    if shutil.which("cmake") is None:
        raise Unready("cmake is missing")
    jobs = os.environ.get("TIDE_JOBS") or str(len(os.sched_getaffinity(0)))
    log = folder + ".bench.log"
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    say(f"building the benchmark in {os.path.relpath(folder)}")
    with open(log, "wb"):
        pass
    steps = (["cmake", "--preset", "release", "-B", folder, "-DTIDE_BUILD_BENCH=ON"],
             ["cmake", "--build", folder, "-j", jobs, "--target", *TARGETS])
    for step in steps:
        if not run_logged(step, log, dict(os.environ)):
            show_end(log)
            raise Unready(f"the build failed; its output is in {os.path.relpath(log)}")


def show_end(log):
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file.readlines()[-40:]:
            say(line.rstrip())


class Parts:
    """The programs and libraries of a build."""

    def __init__(self, folder):
        self.folder = folder
        self.program = os.path.join(folder, "bench", "bench_workloads")
        self.limit = os.path.join(folder, "bench", "libbench_limit.so")
        self.library = os.path.join(folder, "libtidemalloc.so.1")
        for path in (self.program, self.library, self.limit):
            if not os.path.exists(path):
                raise Unready(f"{os.path.relpath(path)} is not built; was libbenchmark found?")
