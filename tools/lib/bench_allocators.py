# tools/lib/bench_allocators.py - the allocators under comparison: where they are, which version.
#
# An allocator is a library that is preloaded; glibc's own malloc is the empty preload.
import dataclasses
import os
import re
import subprocess

PEERS = ("glibc", "jemalloc", "mimalloc", "gperftools")  # goals are measured against the best here
OURS = "tidemalloc"
LIMIT = "limit"  # never frees: the least that a malloc can cost, where memory allows
NAMES = PEERS + (OURS, LIMIT)

SONAMES = {"jemalloc": r"libjemalloc\.so\.[0-9]+",
           "mimalloc": r"libmimalloc\.so\.[0-9.]+",
           "gperftools": r"libtcmalloc_minimal\.so\.[0-9]+"}
ARCHITECTURES = {"x86_64": "x86-64", "aarch64": "AArch64"}


class Unknown(Exception):
    """An allocator that was asked for and is not there."""


@dataclasses.dataclass(frozen=True)
class Allocator:
    name: str
    path: str     # to preload; empty: libc's own
    version: str

    def described(self):
        """As the result file has it."""
        base = os.path.basename(self.path) if self.path else "libc.so.6"
        return {"name": self.name, "version": self.version, "path": base}


def output_of(command):
    """What a command prints, or nothing when it fails or is not there."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False, text=True)
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def loader_cache():
    path = os.environ.get("PATH", "") + ":/sbin:/usr/sbin"
    try:
        listed = subprocess.run(["ldconfig", "-p"], env={**os.environ, "PATH": path},
                                stdout=subprocess.PIPE, check=False, text=True)
    except OSError:
        return []
    return listed.stdout.splitlines()


def find_library(soname, lines):
    """The path of a shared library of this machine's kind; the first in the loader's order."""
    kind = ARCHITECTURES.get(os.uname().machine, "")
    pattern = re.compile(rf"\s*({soname}) \((.*)\) => (\S+)$")
    for line in lines:
        match = pattern.match(line)
        if match and kind in match.group(2):
            return match.group(3)
    return None


def glibc_version():
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "unknown").split()[-1]
    except (ValueError, OSError):
        return "unknown"


def owner_version(path):
    """The version of the package that a file belongs to, without what the distribution adds."""
    for name in (os.path.realpath(path), "/usr" + path, path):
        package = output_of(["dpkg-query", "-S", name]).split(": ")[0]
        if package:
            version = output_of(["dpkg-query", "-W", "-f", "${Version}", package])
            return re.sub(r"(\+ds|\+dfsg)?[-~].*$", "", version.split(":")[-1])
    digits = re.search(r"\.so\.([0-9.]+)$", os.path.realpath(path))
    return digits.group(1) if digits else "unknown"


def own_version(root):
    """TIDE_VERSION_MAJOR.MINOR.PATCH of the public header."""
    with open(os.path.join(root, "include", "tidemalloc.h"), encoding="utf-8") as header:
        numbers = re.findall(r"define TIDE_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header.read())
    return ".".join(numbers)


def given(text):
    """NAME=PATH.so of the command line."""
    name, _, path = text.partition("=")
    if not name or not path or not os.path.isfile(path):
        raise Unknown(f"--allocator {text}: wants NAME=PATH of a library that exists")
    path = os.path.abspath(path)
    return Allocator(name, path, owner_version(path))


def find(parts, root, extra, only):
    """All allocators that are here, in the order of the report: peers, those given by the user,
    ours, the limit. `only` is a list of names, or empty for all; each of it must be there."""
    lines = loader_cache()
    found = {"glibc": Allocator("glibc", "", glibc_version())}
    for name, soname in SONAMES.items():
        path = find_library(soname, lines)
        if path:
            found[name] = Allocator(name, path, owner_version(path))
    for allocator in map(given, extra):
        found[allocator.name] = allocator
    for name, path, version in ((OURS, parts.library, own_version(root)),
                                (LIMIT, parts.limit, "of this benchmark")):
        found.setdefault(name, Allocator(name, path, version))
    for allocator in found.values():
        if re.search(r"[\s:]", allocator.path):
            raise Unknown(f"{allocator.path}: the loader preloads nothing whose path has a space "
                          "or a colon")
    missing = [name for name in only if name not in found]
    if missing:
        raise Unknown(f"no such allocator here: {', '.join(missing)} (there are: "
                      f"{', '.join(found)})")
    return [found[name] for name in found if not only or name in only]
