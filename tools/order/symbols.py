#!/usr/bin/env python3
"""Compares the symbols of the built library with the stored lists.

  exported.txt          what the shared library exports: exactly the malloc family, the C++
                        operators and tide_*
  exported-static.txt   what the archive defines besides: libc's private names of the family
  undefined.txt         all that the shared library may take from outside: no stdio, no malloc;
                        behind a name may stand: weak - it must be a weak reference;
                        optional - only some builds need it

In the archive it is also checked that no exported function reaches the thread's root but those of
the section of fast paths: a fast path inlined elsewhere would not be known as one (alloc.h).

usage: symbols.py (--library FILE.so | --archive FILE.a) [--lists DIR] [--nm NM]
                  [--readelf READELF] [--exact] [--update]
  --exact   a name of undefined.txt that is not used is an error too
  --update  writes exported.txt and undefined.txt from the library instead of comparing
Exit status: 0 equal, 1 different.
"""
import argparse
import os
import subprocess
import sys

WEAK = "wv"


def read_symbols(nm, path, dynamic):
    """{name: type letter} of the defined global symbols, and of the undefined ones."""
    command = [nm, "-P"] + (["-D"] if dynamic else []) + [path]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    defined, undefined = {}, {}
    for line in answer.stdout.splitlines():
        parts = line.split()
        if len(parts) < 2 or len(parts[1]) != 1:
            continue  # the name of an archive's member
        name, kind = parts[0].split("@")[0], parts[1]
        if kind == "U" or kind in WEAK:
            undefined[name] = kind
        elif kind in "iu" or (kind.isupper() and kind != "N"):  # N: of debug information
            defined[name] = kind
    return defined, undefined


def astray(readelf, path, names):
    """Names among `names` whose code, in a section of its own, uses the thread's root."""
    answer = subprocess.run([readelf, "-rW", path], capture_output=True, text=True, check=True)
    owner, found = "", set()
    for line in answer.stdout.splitlines():
        if line.startswith("Relocation section"):
            owner = line.split("'")[1].split(".")[-1]
        elif "thread_root" in line and owner in names:
            found.add(owner)
    return sorted(found)


def read_list(path):
    """{name: remark}; lines that start with # are comments."""
    with open(path, encoding="utf-8") as text:
        rows = [line.split() for line in text if line.strip() and not line.startswith("#")]
    return {row[0]: " ".join(row[1:]) for row in rows}


def write_list(path, rows):
    with open(path, encoding="utf-8") as text:
        comments = [line for line in text if line.startswith("#")]
    with open(path, "w", encoding="utf-8") as text:
        text.writelines(comments + [row + "\n" for row in sorted(rows)])
    print(f"{path}: {len(rows)} names")


def differ(what, have, want):
    for name in sorted(set(have) - set(want)):
        yield f"{what} but not in the list: {name}"
    for name in sorted(set(want) - set(have)):
        yield f"in the list but not {what}: {name}"


def compare_undefined(undefined, allowed, exact):
    for name, kind in sorted(undefined.items()):
        if name not in allowed:
            yield f"undefined but not in the list: {name}"
        elif "weak" in allowed[name] and kind not in WEAK:
            yield f"undefined and not weak: {name}"
    if exact:
        for name in sorted(set(allowed) - set(undefined)):
            if "optional" not in allowed[name]:
                yield f"in the list but not undefined: {name}"


def check(args):
    exported, static, allowed = (os.path.join(args.lists, name) for name in
                                 ("exported.txt", "exported-static.txt", "undefined.txt"))
    if args.archive:
        defined, _ = read_symbols(args.nm, args.archive, dynamic=False)
        want = {**read_list(exported), **read_list(static)}
        problems = list(differ("global", defined, want))
        problems += [f"has a fast path outside of its section: {name}"
                     for name in astray(args.readelf, args.archive, want)]
        return problems, len(want)
    defined, undefined = read_symbols(args.nm, args.library, dynamic=True)
    if args.update:
        write_list(exported, defined)
        rows = [name + (" weak" if kind in WEAK else "") for name, kind in undefined.items()]
        rows += [f"{name} {remark}" for name, remark in read_list(allowed).items()
                 if "optional" in remark and name not in undefined]
        write_list(allowed, rows)
        return [], len(defined)
    want = read_list(exported)
    problems = list(differ("exported", defined, want))
    problems += compare_undefined(undefined, read_list(allowed), args.exact)
    return problems, len(want) + len(undefined)


def main():
    parser = argparse.ArgumentParser(description="compare symbols with the stored lists")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--library")
    which.add_argument("--archive")
    parser.add_argument("--lists", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--nm", default="nm")
    parser.add_argument("--readelf", default="readelf")
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--update", action="store_true")
    problems, names = check(parser.parse_args())
    for problem in problems:
        print(problem)
    print(f"symbols: {names} names, {len(problems)} differences")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
