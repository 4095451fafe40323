#!/usr/bin/env python3
"""Runs the benchmark's shortest path, one row under glibc and tidemalloc, and checks what it wrote:
the result's shape, its figures against each other, the comparison of a result with itself; and the
price of giving back for two rows.

usage: bench.py TOOL BUILD_DIR
Exit status: 0, or 1 with what is wrong.
"""
import json
import os
import subprocess
import sys
import tempfile

RUN_S = 100
ROUNDS_MOST = 3         # of one that was asked for, where a row is above its bound
PRICE_RUNS = 10
RETURNING = "lifo_64k"  # a row that gives back on the way
ROW, STEPS_MIN, RSS_MIN_KIB, RSS_MAX_KIB = "pairs_64", 1000, 256, 1 << 20
TOP = {"format": str, "date": str, "commit": str, "mode": str, "rounds": int, "machine": dict,
       "allocators": list, "rows": list, "programs": list, "summary": dict}
MACHINE = ("cpu", "cores", "memory_mib", "kernel", "distribution", "libc", "compiler", "thp",
           "governor")
RUN = ("seconds", "cpu_seconds", "user_seconds", "system_seconds", "peak_rss_kib",
       "rss_after_kib", "minor_faults", "major_faults", "voluntary_switches",
       "involuntary_switches")
SUMMARY = ("time_geomean", "rss_geomean", "worst_time", "worst_rss", "programs_cpu",
           "programs_rss", "rows")
NAMES = ["glibc", "tidemalloc"]


class Wrong(Exception):
    """What is not as it should be."""


def check(holds, what):
    if not holds:
        raise Wrong(what)


def run(folder, *command):
    """What a command prints; Wrong when it fails."""
    done = subprocess.run([sys.executable, *command], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=RUN_S, check=False)
    check(done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def check_run(row, name, figures):
    for key in RUN:
        check(isinstance(figures.get(key), (int, float)), f"{name}: no {key}")
    check(figures["seconds"] > 0, f"{name}: no time passed")
    check(RSS_MIN_KIB < figures["peak_rss_kib"] < RSS_MAX_KIB,
          f"{name}: peak RSS of {figures['peak_rss_kib']} KiB")
    check(isinstance(figures.get("counters"), dict), f"{name}: no counters")
    check(row["steps"] >= STEPS_MIN and row["operations"] >= row["steps"],
          f"{row['operations']} operations in {row['steps']} steps")


def check_row(row):
    check(row["name"] == ROW and row["threads"] in (1, 2, 4, 16), f"row {row['name']}")
    check(row["family"] and row["pattern"] and row["solo"] is False, "the row does not say what")
    check(list(row["results"]) == NAMES, f"results of {list(row['results'])}")
    for name, cell in row["results"].items():
        check(cell["failed"] is None, f"{name}: {cell['failed']}")
        check(len(cell["runs"]) == 1, f"{name}: {len(cell['runs'])} runs of one round")
        check_run(row, name, cell["runs"][0])
        check(cell["median"] == cell["runs"][0], f"{name}: the median of one run is another")
        check(cell["spread"]["seconds"] is None, f"{name}: a single run has a spread")
        check(cell["system_calls"] is None and cell["instructions_per_operation"] is None,
              f"{name}: counts that nobody asked for")


def check_summary(result):
    check(list(result["summary"]) == NAMES, "the summary is of others")
    for name, summary in result["summary"].items():
        for key in SUMMARY:
            check(key in summary, f"summary of {name}: no {key}")
        check(summary["rows"] == len(result["rows"]), f"{name}: {summary['rows']} rows")
    glibc, ours = (result["summary"][name] for name in NAMES)
    check(abs(glibc["time_geomean"] - 1) < 1e-9, "the only peer is not the best one")
    worst = max(row["results"]["tidemalloc"]["median"]["seconds"]
                / row["results"]["glibc"]["median"]["seconds"] for row in result["rows"])
    check(abs(ours["worst_time"]["ratio"] / worst - 1) < 1e-9, "worst_time is not the worst row")


def check_result(path):
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    for key, kind in TOP.items():
        check(isinstance(result.get(key), kind), f"{key} is {result.get(key)!r}")
    check(result["format"] == "tidemalloc-bench-1", f"format {result['format']}")
    check(set(MACHINE) <= set(result["machine"]), "the machine lacks facts")
    check([one["name"] for one in result["allocators"]] == NAMES, "other allocators")
    check(result["rows"] and not result["programs"], "rows or programs are not as asked for")
    for row in result["rows"]:
        check_row(row)
    check_summary(result)


def check_compare(tool, folder):
    said = run(folder, tool, "--compare", "result.json", "result.json")
    check("0 figures beyond their spread" in said, f"a result differs from itself:\n{said}")


def check_refusal(tool, build, folder):
    """A preload that is not taken is a failed row, with its reason, not a result."""
    text = os.path.join(folder, "no-library.so")
    with open(text, "w", encoding="ascii") as file:
        file.write("not a library\n")
    run(folder, tool, "--no-install", "--no-build", "--build", build, "--rows", ROW, "--rounds",
        "1", "--threads", "1", "--only", "glibc,none", "--allocator", f"none={text}",
        "--json", "refused.json", "--html", "")
    with open(os.path.join(folder, "refused.json"), encoding="utf-8") as file:
        cell = json.load(file)["rows"][0]["results"]["none"]
    check(cell["failed"] and "preload" in cell["failed"] and cell["median"] is None,
          f"a library that cannot be preloaded gave {cell}")


def purges_of(row):
    return [row["calls"][side]["purges"] for side in ("on", "off")] if "off" in row.get(
        "calls", {}) else [1, 0]


def check_price(tool, build, folder):
    """Both sides of a row have run, what keeps everything has not given back, trims were timed.

    How often a short run gives back is a matter of time: on a busy machine it may end first, so
    some more are made."""
    for _ in range(PRICE_RUNS):
        result = price(tool, build, folder)
        check(all(purges_of(row)[1] == 0 for row in result["rows"]), "off has given back")
        if all(purges_of(row)[0] > 0 for row in result["rows"]):
            return
    check(False, f"on never gave back: {[purges_of(row) for row in result['rows']]}")


def price(tool, build, folder):
    said = run(folder, tool, "--price", "--quick", "--no-install", "--no-build", "--build", build,
               "--rows", RETURNING, "--rows", "trim_beside", "--rounds", "1", "--threads", "1,2",
               "--only", "tidemalloc", "--json", "price.json")
    check("time on / off" in said and "second malloc_trim" in said, f"no goals:\n{said}")
    with open(os.path.join(folder, "price.json"), encoding="utf-8") as file:
        result = json.load(file)
    check(result["format"] == "tidemalloc-price-1" and result["off"], "the format is another")
    check([row["threads"] for row in result["rows"]] == [1, 2, 2], "rows are not as asked for")
    for row in result["rows"]:
        sides = ["on"] if row["name"] == "trim_beside" else ["on", "off"]
        check(list(row["results"]) == sides, f"{row['name']}: sides {list(row['results'])}")
        for name, cell in row["results"].items():
            check(cell["failed"] is None and 1 <= len(cell["runs"]) <= ROUNDS_MOST,
                  f"{row['name']} {name}: {cell}")
    trims = result["rows"][2]["results"]["on"]["runs"][0]["counters"]
    check(0 < trims["second_trim_us"] and 0 < trims["wait_us"] <= trims["wait_most_us"],
          f"trims of {trims}")
    return result


def main():
    tool, build = map(os.path.abspath, sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        try:
            said = run(folder, tool, "--no-install", "--no-build", "--build", build, "--rows", ROW,
                       "--rounds", "1", "--only", ",".join(NAMES), "--json", "result.json",
                       "--html", "")
            check("geometric mean" in said and "goals" in said, f"no tables:\n{said}")
            check_result(os.path.join(folder, "result.json"))
            check_compare(tool, folder)
            check_refusal(tool, build, folder)
            check_price(tool, build, folder)
        except (Wrong, KeyError, subprocess.TimeoutExpired) as problem:
            print(f"bench: {type(problem).__name__}: {problem}", file=sys.stderr)
            return 1
    print("bench: one row measured, written, summed up, compared with itself; its price")
    return 0


if __name__ == "__main__":
    sys.exit(main())
