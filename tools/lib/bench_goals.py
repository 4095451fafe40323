# tools/lib/bench_goals.py - what tidemalloc is to reach, and whether a result shows it.
#
# Medians decide; spreads stand beside them. A goal whose rows, programs or counts are not in the
# result is not measured, never met.
import dataclasses
import fnmatch

import bench_summary as summary
from bench_allocators import OURS, PEERS

MEAN_TIME, ROW_TIME = 0.97, 1.05
MEAN_RSS, ROW_RSS = 1.00, 1.15
PROGRAMS_CPU, PROGRAMS_RSS = 0.98, 1.02
INSTRUCTIONS, INSTRUCTIONS_ROW = 33, "pairs_64"
EXCHANGE = "exchange_*"
LATENCY_COUNTERS = tuple(f"{call}_p99_{tail}_ns" for call in ("malloc", "free")
                         for tail in ("99", "999"))
GROWTH, GROWTH_END_KIB, GROWTH_RSS = "realloc_growth_[1s]*", 1 << 20, 1.05
LARGE_PAGES = {"large_cycle_1m": 256, "large_cycle_8m": 2048, "large_cycle_40m": 10240}
FAULTS = 0.5  # a cycle, beyond those of the first buffer: what rounds to none
START_FAULTS = 4  # of a thread: its stack, its cache
CROWD, CROWD_THROUGHPUT = 16, 0.95
CHURN = "thread_churn"


@dataclasses.dataclass
class Goal:
    what: str
    goal: str
    found: str = ""          # the figure with its spread; else why there is none
    where: str = ""          # the row that it comes from
    met: bool | None = None  # None: not measured


def label(entry):
    return f"{entry['name']}/{entry['threads']}" if "threads" in entry else entry["name"]


def percent(fraction):
    return "?" if fraction is None else f"{fraction:.0%}"


def matching(rows, pattern):
    return [row for row in rows if fnmatch.fnmatchcase(row["name"], pattern)]


def greatest(rows, figure):
    """[(figure(row), row)] of the rows that have it, the greatest first."""
    found = [(value, row) for row in rows if (value := figure(row)) is not None]
    return sorted(found, key=lambda pair: -pair[0])


def spread_of(row, figure):
    return f"(spread {percent(summary.spread_of(row, OURS, figure))})"


def mean_goal(result, what, key, most, missing):
    own = result["summary"].get(OURS, {})
    mean, ends = own.get(key), own.get(key + "_range")
    goal = Goal(what, f"<= {most:.2f}", missing)
    if mean is not None:
        between = f" (rounds: {ends[0]:.3f} to {ends[1]:.3f})" if ends else ""
        goal.found, goal.met = f"{mean:.3f}{between}", mean <= most
    return goal


def always_above(rows, figure, most):
    """How many of the rows above a bound are so in every round: those are more than noise."""
    always = [row for row in rows if summary.least_ratio(row, OURS, figure) > most]
    return f", {len(always)} above in every round" if rows else ""


def rows_goal(what, rows, figure, most, missing, strict=False):
    """No row's ratio to the best peer is above the bound, or none at it either."""
    goal = Goal(what, f"{'<' if strict else '<='} {most:.2f} in every row", missing)
    found = greatest(rows, lambda row: summary.ratio(row, OURS, figure))
    if found:
        value, row = found[0]
        above = [row for one, row in found if (one >= most if strict else one > most)]
        goal.found = (f"{value:.2f} {spread_of(row, figure)}; {len(found) - len(above)} of "
                      f"{len(found)} hold" + always_above(above, figure, most))
        goal.where, goal.met = label(row), not above
    return goal


def mean_goals(result):
    rows = result["rows"]
    no_row, no_program = "no row with tidemalloc and a peer", "no programs in this run"
    return [
        mean_goal(result, "time, geometric mean", "time_geomean", MEAN_TIME, no_row),
        rows_goal("time, the worst row", summary.timed(rows), summary.TIME, ROW_TIME, no_row),
        mean_goal(result, "peak RSS, geometric mean", "rss_geomean", MEAN_RSS, no_row),
        rows_goal("peak RSS, the worst row", rows, summary.RSS, ROW_RSS, no_row),
        mean_goal(result, "programs, CPU", "programs_cpu", PROGRAMS_CPU, no_program),
        mean_goal(result, "programs, peak RSS", "programs_rss", PROGRAMS_RSS, no_program),
    ]


def instruction_goal(rows):
    goal = Goal("instructions, malloc + free of a small block", f"<= {INSTRUCTIONS}",
                "not counted; --full does")
    for row in matching(rows, INSTRUCTIONS_ROW):
        cell = row["results"].get(OURS)
        count = cell["instructions_per_operation"] if cell else None
        if count is not None:
            # The decimal is the share of the calls that had to ask the arena.
            goal.found, goal.met = f"{count:.1f} (repeats)", round(count, 1) <= INSTRUCTIONS
            goal.where = label(row)
    return goal


def latency_ratios(row):
    """(ratio to the least of the peers, counter, row) of each tail counter."""
    def counters(name):
        cell = row["results"].get(name)
        return cell["median"].get("counters", {}) if cell and cell["median"] else {}
    ours = counters(OURS)
    for counter in LATENCY_COUNTERS:
        peers = [counters(name)[counter] for name in PEERS if counter in counters(name)]
        if counter in ours and peers and min(peers) > 0:
            yield ours[counter] / min(peers), counter, row


def latency_goal(rows):
    goal = Goal("latency of malloc and of free, p99.99 and p99.999", "<= the best peer's",
                "no latency row")
    found = sorted((each for row in rows for each in latency_ratios(row)),
                   key=lambda each: -each[0])
    if found:
        value, counter, row = found[0]
        spread = percent(row["results"][OURS]["spread"]["counters"].get(counter))
        hold = sum(1 for one, _, _ in found if one <= 1)
        goal.found = f"{value:.2f} (spread {spread}); {hold} of {len(found)} hold"
        goal.where, goal.met = f"{label(row)} {counter}", value <= 1
    return goal


def by_glibc(row):
    ours = summary.median_of(row, OURS, summary.TIME)
    theirs = summary.median_of(row, "glibc", summary.TIME)
    return ours / theirs if ours is not None and theirs else None


def glibc_goal(what, rows):
    goal = Goal(what, "<= glibc's", "no such row with tidemalloc and glibc")
    found = greatest(rows, by_glibc)
    if found:
        value, row = found[0]
        goal.found = f"{value:.2f} {spread_of(row, summary.TIME)}"
        goal.where, goal.met = label(row), value <= 1
    return goal


def growth_rss_goal(rows):
    goal = Goal("realloc growth to 1 GiB, peak RSS", f"<= {GROWTH_RSS:.2f} x final size",
                "no such row")
    found = greatest(rows, lambda row: summary.median_of(row, OURS, summary.RSS))
    if found:
        value, row = found[0]
        goal.found = f"{value / GROWTH_END_KIB:.3f} {spread_of(row, summary.RSS)}"
        goal.where, goal.met = label(row), value <= GROWTH_RSS * GROWTH_END_KIB
    return goal


def faults_a_cycle(row):
    """The first buffer of each thread has to be touched once, and what a thread has beside it;
    what comes on top recurs."""
    faults = summary.median_of(row, OURS, "minor_faults")
    if row["name"] not in LARGE_PAGES or faults is None or not row["operations"]:
        return None
    first = (LARGE_PAGES[row["name"]] + START_FAULTS) * row["threads"]
    return max(0.0, faults - first) / row["operations"]


def faults_goal(rows):
    goal = Goal("large cycles 1 to 40 MiB, page faults a cycle", "none", "no such row")
    found = greatest(rows, faults_a_cycle)
    if found:
        value, row = found[0]
        goal.found = f"{value:.2f} {spread_of(row, 'minor_faults')}"
        goal.where, goal.met = label(row), value < FAULTS
    return goal


def crowd_goal(rows):
    """Throughput is the inverse of time: the rows have fixed numbers of operations."""
    crowded = [row for row in summary.timed(rows) if row["threads"] == CROWD]
    goal = rows_goal(f"{CROWD} threads, throughput", crowded, summary.TIME, 1 / CROWD_THROUGHPUT,
                     f"no row with {CROWD} threads")
    goal.goal = f">= {CROWD_THROUGHPUT} of the best peer's in every row"
    return goal


def goals(result):
    """All goals, in the order of the table."""
    rows = result["rows"]
    growth = matching(rows, GROWTH)
    return [
        *mean_goals(result), instruction_goal(rows),
        rows_goal("producer/consumer, ahead of every peer", matching(rows, EXCHANGE),
                  summary.TIME, 1.0, "no such row", strict=True),
        latency_goal(rows), glibc_goal("realloc growth to 1 GiB, time", growth),
        growth_rss_goal(growth), faults_goal(rows), crowd_goal(rows),
        glibc_goal("1000 thread births and deaths, time", matching(rows, CHURN)),
    ]
