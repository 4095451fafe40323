# tools/lib/bench_compare.py - what changed for tidemalloc between two results.
#
# A figure changed when old and new differ by more than the greater of their spreads, and by more
# than what is never worth a look (LEAST). Times are freed first of what happened to the peers in
# the same row: that was the machine. Where one of them has a single run there is no spread, and no
# word on a change. Instructions repeat exactly: any difference is a change.
import dataclasses

import bench_summary as summary
from bench_allocators import OURS, PEERS
from bench_print import BAD, DIM, GOOD, Cell, Table, show
from bench_table import duration, label, rss_text

LEAST = {summary.TIME: 0.02, summary.CPU: 0.02, summary.RSS: 0.01}
TIMES = (summary.TIME, summary.CPU)
TITLES = {summary.TIME: "time", summary.CPU: "CPU time", summary.RSS: "peak RSS"}
NAMED_MAX = 12  # rows in a note
INSTRUCTIONS_STEP = 0.05  # they are shown with one decimal


@dataclasses.dataclass
class Change:
    entry: dict
    figure: str
    old: float
    new: float
    peers: float   # what happened to the peers, new / old; 1 where it does not count
    spread: float | None  # the greater of both; None where one has a single run

    def net(self):
        return self.new / self.old / self.peers

    def is_beyond(self):
        if self.spread is None:
            return False
        away = max(self.net(), 1 / self.net()) - 1
        return away > max(self.spread, LEAST[self.figure])


def key(entry):
    return entry["name"], entry.get("threads")


def both(old, new):
    """(old entry, new entry) of what is in both and did the same work."""
    before = {key(entry): entry for entry in old}
    return [(before[key(entry)], entry) for entry in new if key(entry) in before
            and before[key(entry)].get("steps") == entry.get("steps")]


def only_in_one(old, new):
    """Labels of what has no counterpart, or one that did other work."""
    same = {key(entry) for _, entry in both(old, new)}
    labels = dict.fromkeys(label(entry) for entry in old + new if key(entry) not in same)
    return list(labels)


def peers_change(old, new, figure):
    """The geometric mean of new / old over the peers that are in both."""
    pairs = [(summary.median_of(old, name, figure), summary.median_of(new, name, figure))
             for name in PEERS]
    mean = summary.geomean([after / before for before, after in pairs if before and after])
    return mean if mean is not None else 1.0


def change_of(old, new, figure):
    before = summary.median_of(old, OURS, figure)
    after = summary.median_of(new, OURS, figure)
    if not before or not after:
        return None
    spreads = [summary.spread_of(entry, OURS, figure) for entry in (old, new)]
    spread = None if None in spreads else max(spreads)
    peers = peers_change(old, new, figure) if figure in TIMES else 1.0
    return Change(new, figure, before, after, peers, spread)


def changes(old, new, figures):
    return [change for before, after in both(old, new) for figure in figures
            if (change := change_of(before, after, figure)) is not None]


def instructions_of(entry):
    cell = entry["results"].get(OURS)
    return cell["instructions_per_operation"] if cell else None


def instruction_lines(old, new):
    for before, after in both(old, new):
        was, now = instructions_of(before), instructions_of(after)
        if was is None or now is None or abs(was - now) < INSTRUCTIONS_STEP:
            continue
        yield [label(after), "instructions", f"{was:.1f}", f"{now:.1f}",
               Cell(f"{now - was:+.1f}", GOOD if now < was else BAD), "", "exact"]


def signed(ratio):
    return f"{ratio - 1:+.1%}"


def figure_text(change, value):
    if change.figure == summary.RSS:
        return rss_text(change.entry, value)
    return duration(value / (change.entry.get("operations") or 1))


def change_line(change):
    style = GOOD if change.net() < 1 else BAD
    peers = Cell(signed(change.peers), DIM) if change.figure in TIMES else ""
    return [label(change.entry), TITLES[change.figure], figure_text(change, change.old),
            figure_text(change, change.new), Cell(signed(change.net()), style), peers,
            f"{change.spread:.1%}"]


def mean_line(what, some):
    mean = summary.geomean([change.net() for change in some])
    text = "-" if mean is None else signed(mean)
    return [f"geometric mean of all {len(some)}", what, "", "", text, "", ""]


def change_table(old, new):
    found = changes(old["rows"], new["rows"], (summary.TIME, summary.RSS))
    in_programs = changes(old["programs"], new["programs"], (summary.CPU, summary.RSS))
    beyond = sorted((change for change in found + in_programs if change.is_beyond()),
                    key=lambda change: (change.figure, -change.net()))
    table = Table(f"tidemalloc, {old['commit']} to {new['commit']}: what changed beyond its spread",
                  ["", "figure", "old", "new", "change", "peers", "spread"], left=("figure",))
    table.rows = [change_line(change) for change in beyond]
    table.rows += instruction_lines(old["rows"], new["rows"])
    lines = [mean_line(TITLES[figure], some)
             for figure, of in ((summary.TIME, found), (summary.RSS, found),
                                (summary.CPU, in_programs))
             if (some := [change for change in of if change.figure == figure])]
    table.last = len(lines) if table.rows else 0
    table.rows += lines
    unknown = sum(1 for change in found + in_programs if change.spread is None)
    return table, len(beyond), unknown


def print_comparison(old, new):
    """Both are whole results."""
    table, count, unknown = change_table(old, new)
    show(table)
    print(f"{count} figures beyond their spread; changes of time are net of what happened to the "
          "peers (their column).")
    if unknown:
        print(f"note: {unknown} figures have a single run, and no spread to judge them by")
    if old["machine"] != new["machine"]:
        differ = [name for name in new["machine"]
                  if old["machine"].get(name) != new["machine"][name]]
        print(f"note: not the same machine: {', '.join(differ) or 'fewer facts'} differ")
    apart = only_in_one(old["rows"], new["rows"])
    if apart:
        more = f" and {len(apart) - NAMED_MAX} more" if len(apart) > NAMED_MAX else ""
        print("note: in one of them only, or with other work: "
              f"{', '.join(apart[:NAMED_MAX])}{more}")
