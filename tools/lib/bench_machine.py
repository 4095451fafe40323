# tools/lib/bench_machine.py - where a result comes from: the machine, the commit, the settings.
import os
import re

from bench_allocators import glibc_version, output_of

# Variables that change what an allocator does; those that are set belong to the result.
SETTINGS = re.compile(r"^(TIDE_|MALLOC_|MIMALLOC_|TCMALLOC_|JE_MALLOC_|_RJEM_|GLIBC_TUNABLES$)")
# Settings of the scripts here, which tidemalloc would warn of.
OF_SCRIPTS = ("TIDE_JOBS", "TIDE_SETUP_VERBOSE", "TIDE_SETUP_NO_INSTALL",
              "TIDE_SETUP_NO_SERVICES", "TIDE_ROOT", "TIDE_PACKAGES", "TIDE_CMAKE_MIN")


def first_match(path, pattern):
    """The first group of the first match in a file, or None."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            match = re.search(pattern, file.read(), re.MULTILINE)
    except OSError:
        return None
    return match.group(1).strip() if match else None


def compiler(folder):
    """The C compiler of a build, by its own words."""
    path = first_match(os.path.join(folder, "CMakeCache.txt"), r"^CMAKE_C_COMPILER:\w+=(.*)$")
    return (output_of([path, "--version"]).splitlines() or ["unknown"])[0] if path else "unknown"


def memory_mib(field):
    kib = first_match("/proc/meminfo", rf"^{field}:\s+(\d+) kB")
    return int(kib) // 1024 if kib else 0


def machine(folder):
    cpu = first_match("/proc/cpuinfo", r"^model name\s*:\s*(.*)$")
    governor = first_match("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", r"(\S+)")
    return {
        "cpu": cpu or os.uname().machine,
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": memory_mib("MemTotal"),
        "kernel": os.uname().release,
        "distribution": first_match("/etc/os-release", r'^PRETTY_NAME="?([^"\n]*)') or "unknown",
        "libc": f"glibc {glibc_version()}",
        "compiler": compiler(folder),
        "thp": first_match("/sys/kernel/mm/transparent_hugepage/enabled", r"\[(\w+)\]") or "none",
        "governor": governor,
    }


def commit(root):
    """The commit of the checkout, "-dirty" when files differ from it; "unknown" outside git."""
    name = output_of(["git", "-C", root, "rev-parse", "--short=12", "HEAD"]).strip()
    if not name:
        return "unknown"
    changed = output_of(["git", "-C", root, "status", "--porcelain", "--untracked-files=no"])
    return name + ("-dirty" if changed.strip() else "")


def environment():
    """For the programs that are measured: as ours, without preloads and settings of the scripts."""
    return {name: value for name, value in os.environ.items()
            if name != "LD_PRELOAD" and name not in OF_SCRIPTS}


def settings():
    """Variables of the environment that change what an allocator does."""
    return {name: value for name, value in sorted(environment().items()) if SETTINGS.match(name)}
