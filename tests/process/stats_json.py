#!/usr/bin/env python3
"""Checks TIDE_STATS=json: what a linked and a preloaded program writes at exit is one JSON object,
and its figures are numbers of the right kind.

usage: stats_json.py PROGRAM LIBRARY
PROGRAM is process_stats_exit, linked with the library; LIBRARY is preloaded into
this interpreter (not into a program of coreutils: these close stderr before the process ends).
"""
import json
import os
import subprocess
import sys

RESIDENT = ["live_bytes", "cached_bytes", "slack_bytes", "free_bytes", "huge_cached_bytes",
            "metadata_bytes"]


def figures(tree):
    """Every number of the report by its name, at whatever depth it stands."""
    found = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            found.update(figures(value))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found[name] = value
    return found


def run(command, environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TIDE_")}
    done = subprocess.run(command, env={**clean, **environment}, capture_output=True, text=True,
                          timeout=60, check=False)
    if done.returncode != 0:
        sys.exit(f"{command}: exit status {done.returncode}\n{done.stderr}")
    return done


def check_report(text):
    try:
        report = json.loads(text)
    except ValueError as error:
        sys.exit(f"not JSON: {error}\n{text}")
    if not isinstance(report, dict):
        sys.exit(f"not an object:\n{text}")
    numbers = figures(report)
    missing = [name for name in RESIDENT if name not in numbers]
    if missing:
        sys.exit(f"figures missing: {missing}\n{text}")
    wrong = [name for name, value in numbers.items() if not isinstance(value, int) or value < 0]
    if wrong:
        sys.exit(f"not whole numbers from 0 up: {wrong}\n{text}")
    return numbers


def main():
    program, library = sys.argv[1:3]
    linked = check_report(run([program, "--work"], {"TIDE_STATS": "json"}).stderr)
    if linked["live_bytes"] < 500 * 25000:  # 500 blocks of 25,000 bytes on average stay
        sys.exit(f"live_bytes is {linked['live_bytes']}, the program holds more")
    python = run([sys.executable, "-c", "print('hello')"],
                 {"TIDE_STATS": "json", "LD_PRELOAD": library})
    if python.stdout != "hello\n":
        sys.exit(f"stdout of python: {python.stdout!r}")
    check_report(python.stderr)


main()
