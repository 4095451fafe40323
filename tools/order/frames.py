#!/usr/bin/env python3
"""Every stack frame of the library, as the compiler measured it (-fstack-usage): at most 1 KiB,
none of a size known only at run time. Slow paths run on threads with the smallest legal stack.

usage: frames.py --objects FILE [--limit BYTES]
  --objects  one path of an object file a line; NAME.c.su stands beside NAME.c.o
Exit status: 0 good, 1 findings.
"""
import argparse
import re
import subprocess
import sys


def has_no_functions(path):
    """True for an object of tables alone: some compilers leave no .su file beside those."""
    try:
        listed = subprocess.run(["nm", "--defined-only", path], capture_output=True, text=True)
    except OSError:
        return False
    kinds = {line.split()[-2].lower() for line in listed.stdout.splitlines() if line.strip()}
    return listed.returncode == 0 and bool(kinds) and not kinds & {"t", "w", "i"}


def check_object(path, limit):
    """(number of frames, findings) of one object file."""
    try:
        with open(re.sub(r"\.o(bj)?$", ".su", path), encoding="utf-8") as text:
            rows = [line.rstrip("\n").split("\t") for line in text if line.strip()]
    except FileNotFoundError:
        if has_no_functions(path):
            return 0, []
        return 0, [f"{path}: the compiler left no .su file beside it"]
    findings = []
    for place, size, kind in rows:
        if int(size) > limit:
            findings.append(f"{place}: a frame of {size} bytes, more than {limit}")
        if "dynamic" in kind and "bounded" not in kind:
            findings.append(f"{place}: a frame without a bound")
    return len(rows), findings


def main():
    parser = argparse.ArgumentParser(description="every stack frame is small")
    parser.add_argument("--objects", required=True)
    parser.add_argument("--limit", type=int, default=1024)
    args = parser.parse_args()
    with open(args.objects, encoding="utf-8") as text:
        objects = [line for line in re.split(r"[;\n]", text.read()) if line]
    frames, findings = 0, []
    for path in objects:
        count, found = check_object(path, args.limit)
        frames, findings = frames + count, findings + found
    if not frames:
        findings.append("no frame was found at all")
    for finding in findings:
        print(finding)
    print(f"frames: {len(objects)} object files, {frames} frames, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
