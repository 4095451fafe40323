#!/usr/bin/env python3
# tools/lib/bench_programs.py - the real programs of the benchmark: one module a kind in
# bench/programs.
#
# A module has programs(scale) -> list of objects with
#   name, what, packages          what: one sentence; packages: of Debian
#   available()                   None, or why it cannot run here
#   prepare()                     makes the inputs, once, in a folder of its own
#   run(preload)                  a dict: seconds, cpu_seconds, user_seconds, system_seconds,
#                                 peak_rss_kib, minor_faults, of the program alone; Failed with a
#                                 reason when it did not do the same work as the first time
#   close()                       removes the folder
# Full scale is a few seconds a run.
"""The real programs of the benchmark.

usage: bench_programs.py --list | --names
       bench_programs.py --run NAME [--preload LIBRARY] [--scale X]
"""
import argparse
import importlib
import json
import os
import pkgutil
import signal
import sys

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench")
sys.path.insert(0, os.path.abspath(BENCH))

import programs as kinds  # noqa: E402  (bench/programs, by the line above)
from programs.shared.program import Failed  # noqa: E402

# Servers first, then languages, then tools; what is not named here comes last, by name.
ORDER = ("redis", "mariadb", "nginx", "python", "perl", "ruby", "sqlite", "jq", "git", "clang",
         "cppcheck", "z3")


def programs(names=(), scale=1.0):
    """All of them in the order of the report, or those with the names given."""
    modules = [module.name for module in pkgutil.iter_modules(kinds.__path__) if not module.ispkg]
    modules.sort(key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    found = []
    for module in modules:
        found += importlib.import_module(f"programs.{module}").programs(scale)
    missing = set(names) - {program.name for program in found}
    if missing:
        raise Failed(f"no such program: {', '.join(sorted(missing))}")
    return [program for program in found if not names or program.name in names]


def show_list():
    for program in programs():
        reason = program.available()
        print(f"{program.name:14} {program.what}" + (f" [not here: {reason}]" if reason else ""))


def run_one(options):
    program = programs([options.run], options.scale)[0]
    reason = program.available()
    if reason:
        raise Failed(f"{program.name}: {reason}")
    try:
        program.prepare()
        print(json.dumps(program.run(options.preload)))
    finally:
        program.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--list", action="store_true")
    what.add_argument("--names", action="store_true", help="one a line, here or not")
    what.add_argument("--run", metavar="NAME")
    parser.add_argument("--preload", metavar="LIBRARY")
    parser.add_argument("--scale", type=float, default=1.0, metavar="X")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if options.run:
            run_one(options)
        elif options.names:
            print("\n".join(program.name for program in programs()))
        else:
            show_list()
    except Failed as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
