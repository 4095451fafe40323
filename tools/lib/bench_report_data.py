# tools/lib/bench_report_data.py - what the report reads out of a result, and how it writes numbers.
#
# Every function takes what is there and answers None for what is not: a failed run, an allocator
# that a row does not have, a figure that was not measured.
import math

from bench_allocators import LIMIT, OURS, PEERS
from bench_rows import LEFT_OUT
from bench_summary import CPU, RSS, TIME, timed

__all__ = ["CPU", "LIMIT", "OURS", "PEERS", "RSS", "TIME", "timed"]

AFTER = "rss_after_kib"

# Colours told apart in all common kinds of colour vision and on light and dark pages; a symbol of
# plotly beside each, so that nothing rests on colour alone.
STYLES = {
    OURS: ("#1b7fd0", "diamond"),
    "glibc": ("#d55e00", "circle"),
    "jemalloc": ("#009e73", "square"),
    "mimalloc": ("#cc79a7", "triangle-up"),
    "gperftools": ("#c98a00", "pentagon"),
    LIMIT: ("#8b929c", "line-ns"),
}
MORE_STYLES = (("#7b6fd0", "star"), ("#8c6d46", "hexagon"), ("#4aa3a2", "triangle-down"))


def allocator_names(result):
    """Peers first, then others as given, then the limit; tidemalloc last: it is drawn on top."""
    names = [allocator["name"] for allocator in result["allocators"]]
    rank = {name: place for place, name in enumerate(PEERS)} | {LIMIT: 98, OURS: 99}
    return sorted(dict.fromkeys(names), key=lambda name: rank.get(name, 50))


def styles(names):
    """{name: (colour, symbol)}; allocators of the user get what is left."""
    others = [name for name in names if name not in STYLES]
    more = {name: MORE_STYLES[at % len(MORE_STYLES)] for at, name in enumerate(others)}
    return {name: STYLES.get(name) or more[name] for name in names}


def cell(line, name):
    """The results of an allocator in a row or a program; None when it failed or was left out."""
    found = (line.get("results") or {}).get(name)
    return found if found and found.get("median") else None


def why_missing(line, name):
    """(short word, reason) where an allocator has no figures in a row."""
    found = (line.get("results") or {}).get(name)
    if not found:
        return "–", "not part of this row"
    reason = found.get("failed") or "no figures"
    if reason.startswith(LEFT_OUT):
        return "left out", reason[len(LEFT_OUT):]
    return "failed", reason


def figure(values, field):
    """A figure of a run or of a median, by its name or by the name of a counter."""
    found = values.get(field)
    return found if found is not None else (values.get("counters") or {}).get(field)


def median(line, name, field):
    found = cell(line, name)
    return figure(found["median"], field) if found else None


def bounds(line, name, field):
    """(least, most) over the runs; the median twice where runs were not kept."""
    found = cell(line, name)
    values = [figure(run, field) for run in (found or {}).get("runs") or []]
    values = [value for value in values if value is not None]
    middle = median(line, name, field)
    return (min(values), max(values)) if values else (middle, middle)


def spread(line, name, field):
    """(most - least) / median; None for a single run."""
    found = cell(line, name)
    return figure(found.get("spread") or {}, field) if found else None


def best_peer(line, field, names=PEERS):
    """(name, median) of the peer with the least; (None, None) where no peer has a figure."""
    found = [(median(line, name, field), name) for name in names]
    found = [(value, name) for value, name in found if value is not None and value > 0]
    value, name = min(found, default=(None, None))
    return name, value


def ratio(line, name, field):
    """The median against the best peer's."""
    value, (_, best) = median(line, name, field), best_peer(line, field)
    return value / best if value is not None and best else None


def summary(result, name):
    return result["summary"].get(name) or {}


def label(row):
    """A row as the terminal names it, or a program."""
    threads = row.get("threads")
    return f"{row['name']}/{threads}" if threads else row["name"]


def threads_text(count):
    return f"{count} thread{'' if count == 1 else 's'}"


def three(value):
    """Three digits that matter, more before the point: 0.0123, 4.50, 12,300."""
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{digits}f}"


def number(value):
    """A count in full below a million: 7, 12.3, 12,300, 1.23 M."""
    if value is None:
        return "–"
    for unit, name in ((1e9, " G"), (1e6, " M")):
        if abs(value) >= unit:
            return three(value / unit) + name
    return f"{value:,.0f}" if value == int(value) else three(value)


def mebibytes(kib):
    return "–" if kib is None else f"{kib / 1024:,.{1 if kib < 1024000 else 0}f} MiB"


def seconds(value):
    if value is None:
        return "–"
    return f"{three(value * 1e3)} ms" if value < 1 else f"{three(value)} s"


def nanoseconds(value):
    if value is None:
        return "–"
    for unit, name in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if value >= unit:
            return f"{three(value / unit)} {name}"
    return f"{three(value)} ns"


def times(value, digits=2):
    return "–" if value is None else f"{value:.{digits}f} ×"


def percent(share):
    return f"{share * 100:.1f} %"
