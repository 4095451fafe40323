# tools/lib/bench_price_goals.py - what giving memory back may cost, and what it does.
#
# A ratio of times is that of the least of all rounds, one of other figures the median of the
# rounds' ratios; the rounds' least and greatest stand beside it. A row above a bound in every round
# is more than noise.
import statistics

import bench_summary as summary
from bench_allocators import OURS
from bench_goals import Goal, label
from bench_price import (OFF, ON, PROGRAMS_PEER, ROW_TIME, SWING, SWING_PEER, TRIMS, least_ratio,
                         pairs)

ROW_TAIL, PROGRAM_SYSTEM = 2.0, 1.2
TAILS = ("malloc_p99_9_ns", "free_p99_9_ns")
UNIT_BYTES, CALLS = 256 << 10, 1.0
CALLS_LEAST_BYTES = 4 << 20   # returned, below which a row says nothing
SYSTEM_LEAST_S = 0.05         # the same of a program's system time under glibc
TRIM_WAIT_US, SECOND_TRIM_US = 1000, 50
SWING_FAULTS = 2.0


def ratios(entry, figure, over=ON, under=OFF):
    """Of each round that has both."""
    return [ours / theirs for ours, theirs in pairs(entry, figure, over, under)]


def between(values, digits=2):
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"


def rows_goal(what, bound, found):
    """found: [(ratio, ratios of the rounds, label)]"""
    goal = Goal(what, f"<= {bound:.2f} in every row", "no such row")
    found = sorted((each for each in found if each[1]), reverse=True)
    if found:
        above = [values for ratio, values, _ in found if ratio > bound]
        always = sum(1 for values in above if min(values) > bound)
        ratio, values, goal.where = found[0]
        beyond = f", {always} above in every round" if above else ""
        goal.found = (f"{ratio:.2f} ({between(values)}); {len(found) - len(above)} of "
                      f"{len(found)} hold{beyond}")
        goal.met = not above
    return goal


def times_goal(what, rows, figure):
    return rows_goal(what, ROW_TIME, [(least_ratio(row, figure), ratios(row, figure), label(row))
                                      for row in rows])


def middles_goal(what, bound, found):
    """found: [(ratios of the rounds, label)]; medians decide."""
    return rows_goal(what, bound, [(statistics.median(values), values, where)
                                   for values, where in found if values])


def mean_goal(what, rows, figure):
    """Over the rows, and over those rounds that all of them have."""
    goal = Goal(what, f"<= {ROW_TIME:.2f}", "no such row")
    found = {label(row): values for row in rows if (values := ratios(row, figure))}
    if found:
        mean = summary.geomean([least_ratio(row, figure) for row in rows if label(row) in found])
        rounds = [summary.geomean(values) for values in zip(*found.values())]
        goal.found, goal.met = f"{mean:.3f} ({between(rounds, 3)})", mean <= ROW_TIME
    return goal


def added(row):
    """(calls, bytes) that giving back adds: a thread's stack goes back on either side."""
    calls = row.get("calls", {})
    if ON not in calls or OFF not in calls:
        return None
    return tuple(calls[ON][key] - calls[OFF][key] for key in ("calls", "bytes"))


def calls_goals(rows):
    """By the system calls themselves, and by what the library counts."""
    goal = Goal("madvise, process_madvise and munmap calls per 256 KiB returned",
                f"<= {CALLS:.0f} in every row", "not counted")
    found = [(pair[0] * UNIT_BYTES / pair[1], pair[0], pair[1], label(row)) for row in rows
             if (pair := added(row)) and pair[1] >= CALLS_LEAST_BYTES]
    if found:
        value, calls, size, goal.where = max(found)
        goal.found = f"{value:.2f} ({calls} calls, {size >> 20} MiB); {len(found)} rows return any"
        goal.met = value <= CALLS
    counted = [row["calls"][ON] for row in rows if ON in row.get("calls", {})]
    told = Goal("purges per 256 KiB purged, as the library counts them", f"<= {CALLS:.0f}",
                "not counted")
    purges, purged = (sum(one[key] for one in counted) for key in ("purges", "purged_bytes"))
    if purged:
        value = purges * UNIT_BYTES / purged
        told.found, told.met = f"{value:.2f} ({purges}, {purged >> 20} MiB)", value <= CALLS
        told.where = "all rows"
    return [goal, told]


def system_goals(programs):
    whole = Goal("system time of all programs / glibc's", f"<= {PROGRAM_SYSTEM:.1f}", "no programs")
    medians = [tuple(summary.median_of(one, name, "system_seconds") for name in
                     (OURS, PROGRAMS_PEER)) + (one,) for one in programs]
    medians = [each for each in medians if None not in each[:2]]
    if medians:
        ours, theirs = (sum(each[at] for each in medians) for at in (0, 1))
        whole.found = f"{ours / theirs:.2f} ({ours:.2f} s, {theirs:.2f} s)"
        whole.met = ours / theirs <= PROGRAM_SYSTEM
    found = [(ratios(one, "system_seconds", OURS, PROGRAMS_PEER), one["name"])
             for _, theirs, one in medians if theirs >= SYSTEM_LEAST_S]
    each = middles_goal(f"the same of each with {SYSTEM_LEAST_S:.2f} s or more", PROGRAM_SYSTEM,
                     found)
    each.goal = f"<= {PROGRAM_SYSTEM:.1f} in every program"
    return [whole, each]


def runs_of(rows, name):
    for row in rows:
        if row["name"] == name and ON in row["results"]:
            return [run["counters"] for run in row["results"][ON]["runs"]]
    return []


def trim_goals(rows):
    beside, absent = (runs_of(rows, name) for name in TRIMS)
    wait = Goal("malloc_trim of 300 MiB: longest wait of another thread, beyond that without",
                f"<= {TRIM_WAIT_US} us", "no such row")
    again = Goal("a second malloc_trim in a row", f"< {SECOND_TRIM_US} us", "no such row")
    if beside and absent:
        waits = [one["wait_most_us"] for one in beside]
        floor = statistics.median(one["wait_most_us"] for one in absent)
        most = statistics.median(waits) - floor
        wait.found = f"{most:.0f} us ({between(waits, 0)} with, {floor:.0f} without)"
        wait.where, wait.met = TRIMS[0], most <= TRIM_WAIT_US
    if beside:
        seconds = [one["second_trim_us"] for one in beside]
        firsts = statistics.median(one["trim_us"] for one in beside)
        middle = statistics.median(seconds)
        again.found = f"{middle:.0f} us ({between(seconds, 0)}; the first {firsts / 1000:.0f} ms)"
        again.where, again.met = TRIMS[0], middle < SECOND_TRIM_US
    return [wait, again]


def swing_goals(rows):
    swings = [row for row in rows if row["name"] == SWING]
    faults = middles_goal("swinging demand, page faults / jemalloc's", SWING_FAULTS,
                       [(ratios(row, "minor_faults", ON, SWING_PEER), label(row))
                        for row in swings])
    cpu = middles_goal("swinging demand, CPU time on / off", 0,
                       [(ratios(row, summary.CPU), label(row)) for row in swings])
    cpu.goal, cpu.met, cpu.found = "no bound", None, cpu.found.partition(";")[0]
    return [faults, cpu]


def goals(result):
    """All of them, in the order of the table."""
    rows = result["rows"]
    timed = summary.timed(rows)
    times = []
    # Where others are at work, too, CPU time is steadier than the time that passes.
    for what, figure in (("time on / off", summary.TIME), ("CPU time on / off", summary.CPU)):
        times += [times_goal(what, timed, figure),
                  mean_goal(f"{what}, geometric mean of the rows", timed, figure)]
    return [
        *times,
        *(middles_goal(f"p99.9 of {tail.partition('_')[0]} on / off", ROW_TAIL,
                       [(ratios(row, tail), label(row)) for row in rows]) for tail in TAILS),
        *calls_goals(rows), *system_goals(result["programs"]), *trim_goals(rows),
        *swing_goals(rows),
    ]
