# tools/lib/bench_summary.py - from runs to medians, spreads, ratios and their geometric means.
#
# spread      (greatest - least) / median of the runs, a fraction; None for a single run and where
#             the median is 0
# best peer   of a row and figure: the least median among glibc, jemalloc, mimalloc, gperftools
# ratio       an allocator's median by that of the best peer
# range       of a geometric mean: that of each round alone, the least and the greatest; a run that
#             was not repeated stands for all rounds
import math
import statistics

from bench_allocators import PEERS
from bench_rows import LEFT_OUT

TIME, RSS, CPU = "seconds", "peak_rss_kib", "cpu_seconds"


def spread(values):
    if len(values) < 2:
        return None
    middle = statistics.median(values)
    distance = max(values) - min(values)
    if distance == 0:
        return 0.0
    return distance / middle if middle else None


def over_runs(runs, function):
    """function of each figure's values, the counters' inside; a figure that a run lacks is left
    out."""
    result = {}
    for key, value in runs[0].items():
        values = [run[key] for run in runs if key in run]
        if len(values) < len(runs):
            continue
        if isinstance(value, dict):
            result[key] = over_runs(values, function) if value else {}
        elif isinstance(value, (int, float)):
            result[key] = function(values)
    return result


def finish_cells(entries):
    """Puts median and spread into every result that has runs and did not fail."""
    for entry in entries:
        for cell in entry["results"].values():
            if cell["runs"] and not cell["failed"]:
                cell["median"] = over_runs(cell["runs"], statistics.median)
                cell["spread"] = over_runs(cell["runs"], spread)


def median_of(entry, name, figure):
    """The median of a figure under an allocator, or None where there is none."""
    cell = entry["results"].get(name)
    return cell["median"].get(figure) if cell and cell["median"] else None


def spread_of(entry, name, figure):
    cell = entry["results"].get(name)
    return cell["spread"].get(figure) if cell and cell["spread"] else None


def best_peer(entry, figure):
    """(name, median) of the peer that needs least, or None where no peer has the figure."""
    found = [(value, name) for name in PEERS
             if (value := median_of(entry, name, figure)) is not None]
    return (min(found)[1], min(found)[0]) if found else None


def ratio(entry, name, figure):
    """An allocator's median by the best peer's; None where one of them is missing."""
    value, best = median_of(entry, name, figure), best_peer(entry, figure)
    if value is None or best is None or not best[1]:
        return None
    return value / best[1]


def in_round(entry, name, figure, number):
    """The ratio of one round: the allocator's run by that of the peer whose median is best."""
    def run(of):
        cell = entry["results"].get(of)
        if not cell or not cell["median"]:
            return None
        return cell["runs"][min(number, len(cell["runs"]) - 1)].get(figure)
    best = best_peer(entry, figure)
    value, base = run(name), run(best[0]) if best else None
    return value / base if value is not None and base else None


def least_ratio(entry, name, figure):
    """That of the round in which it is least; of an entry that has a ratio."""
    rounds = (in_round(entry, name, figure, number)
              for number in range(len(entry["results"][name]["runs"])))
    return min((one for one in rounds if one is not None), default=ratio(entry, name, figure))


def geomean(values):
    values = [value for value in values if value is not None and value > 0]
    return math.exp(math.fsum(map(math.log, values)) / len(values)) if values else None


def geomean_range(entries, name, figure, rounds):
    means = [geomean([in_round(entry, name, figure, number) for entry in entries])
             for number in range(rounds)]
    means = [mean for mean in means if mean is not None]
    return [min(means), max(means)] if means else None


def worst(entries, name, figure):
    """The row with the greatest ratio, or None."""
    found = [(value, entry) for entry in entries
             if (value := ratio(entry, name, figure)) is not None]
    if not found:
        return None
    value, entry = max(found, key=lambda pair: pair[0])
    return {"row": entry["name"], "threads": entry.get("threads"), "ratio": value}


def timed(rows):
    """The rows whose times are compared in the mean."""
    return [row for row in rows if not row["solo"]]


def summary_of(result, name):
    rows, programs = result["rows"], result["programs"]
    rounds = result["rounds"]
    have = [row for row in timed(rows) if ratio(row, name, TIME) is not None]

    def mean(entries, figure):
        return geomean([ratio(entry, name, figure) for entry in entries])
    return {
        "time_geomean": mean(timed(rows), TIME),
        "time_geomean_range": geomean_range(timed(rows), name, TIME, rounds),
        "rss_geomean": mean(rows, RSS),
        "rss_geomean_range": geomean_range(rows, name, RSS, rounds),
        "worst_time": worst(timed(rows), name, TIME),
        "worst_rss": worst(rows, name, RSS),
        "programs_cpu": mean(programs, CPU),
        "programs_cpu_range": geomean_range(programs, name, CPU, rounds),
        "programs_rss": mean(programs, RSS),
        "programs_rss_range": geomean_range(programs, name, RSS, rounds),
        "rows": len(have),
    }


def finish(result):
    """Adds medians, spreads and the summary to a result that has runs."""
    finish_cells(result["rows"])
    finish_cells(result["programs"])
    result["summary"] = {allocator["name"]: summary_of(result, allocator["name"])
                         for allocator in result["allocators"]}


def failures(result):
    """(what, allocator, reason) of everything that failed, left-out results not among them."""
    found = []
    for entry in result["rows"] + result["programs"]:
        label = f"{entry['name']}/{entry['threads']}" if "threads" in entry else entry["name"]
        for name, cell in entry["results"].items():
            if cell["failed"] and not cell["failed"].startswith(LEFT_OUT):
                found.append((label, name, cell["failed"]))
    return found
