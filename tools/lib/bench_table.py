# tools/lib/bench_table.py - a result as tables: time, peak RSS, programs, goals.
#
# Every cell is a ratio to the best peer of its row, with the spread of the allocator's own runs in
# brackets, "(-)" for a single run; the first figure column says what a ratio of 1 stands for. The
# best of a row, the limit apart, is highlighted.
import dataclasses

import bench_summary as summary
from bench_allocators import LIMIT, OURS
from bench_goals import goals
from bench_print import BAD, DIM, GOOD, Cell, Table, show, terminal_width
from bench_progress import spoken_parts
from bench_rows import LEFT_OUT

SHORT_NAME = 5  # characters of an allocator's name where there is little room


def names_of(result):
    return [allocator["name"] for allocator in result["allocators"]]


def label(entry):
    if "threads" not in entry:
        return entry["name"]
    return f"{entry['name']}/{entry['threads']}" + (" *" if entry["solo"] else "")


def duration(seconds):
    for unit, scale in (("ns", 1e9), ("us", 1e6), ("ms", 1e3)):
        if seconds * scale < 1000:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds:.2f} s"


def time_text(entry, seconds):
    """For one operation where they are counted."""
    return duration(seconds / entry["operations"] if entry.get("operations") else seconds)


def rss_text(_, kib):
    return f"{kib / 1024:.1f} MiB"


def spread_text(value):
    return "(-)" if value is None else f"({value:.0%})"


def short_ratio(value):
    return f"{value:.2f}" if value < 99.5 else f"{value:.0f}"


@dataclasses.dataclass(frozen=True)
class Layout:
    """What a line holds, by the room that there is."""
    spreads: bool  # in every cell; else the greatest of the row in a column of its own
    base: bool     # the column that says what a ratio of 1 stands for


LAYOUTS = (Layout(True, True), Layout(False, True), Layout(False, False))


class Figures:
    """The columns of one figure."""

    def __init__(self, names, figure, absolute, layout):
        self.names, self.figure, self.absolute = names, figure, absolute
        self.layout = layout

    def columns(self):
        if self.layout.spreads:
            return ["", "best peer", *self.names]
        short = [name[:SHORT_NAME] for name in self.names]
        return ["", *["best"] * self.layout.base, *short, "spread"]

    def cell(self, entry, name, best):
        result = entry["results"].get(name)
        if result is None:
            return Cell("-", DIM)
        if result["failed"]:
            left_out = result["failed"].startswith(LEFT_OUT)
            return Cell("-", DIM) if left_out else Cell("failed", BAD)
        value = summary.median_of(entry, name, self.figure)
        if value is None:
            return Cell("?", DIM)
        ratio = summary.ratio(entry, name, self.figure)
        text = self.absolute(entry, value) if ratio is None else short_ratio(ratio)
        if self.layout.spreads:
            text += " " + spread_text(summary.spread_of(entry, name, self.figure)).rjust(5)
        return Cell(text, GOOD if name == best else DIM if name == LIMIT else "")

    def best(self, entry):
        """The allocator, whichever it is, with the least median; the limit does not compete."""
        found = [(value, name) for name in self.names if name != LIMIT
                 and (value := summary.median_of(entry, name, self.figure)) is not None]
        return min(found)[1] if found else None

    def base(self, entry):
        peer = summary.best_peer(entry, self.figure)
        return self.absolute(entry, peer[1]) if peer else "-"

    def greatest_spread(self, entry):
        spreads = [summary.spread_of(entry, name, self.figure) for name in self.names]
        return spread_text(max((one for one in spreads if one is not None), default=None))

    def framed(self, head, base, cells, spread):
        """The cells with what stands beside them in this layout."""
        return [head, *[base] * self.layout.base, *cells, *[spread] * (not self.layout.spreads)]

    def line(self, entry):
        best = self.best(entry)
        return self.framed(label(entry), self.base(entry),
                           [self.cell(entry, name, best) for name in self.names],
                           self.greatest_spread(entry))


def mean_cells(result, names, key):
    """Geometric means, the least in green."""
    means = [result["summary"][name][key] for name in names]
    known = [mean for name, mean in zip(names, means) if mean is not None and name != LIMIT]
    return [Cell("-", DIM) if mean is None
            else Cell(short_ratio(mean), GOOD if known and mean == min(known) else "")
            for mean in means]


def range_cells(result, names, key, end):
    """The least or the greatest of the rounds' means."""
    ranges = [result["summary"][name][key + "_range"] for name in names]
    return [Cell(short_ratio(ends[end]) if ends else "-", DIM) for ends in ranges]


def figure_table(result, title, entries, figure, absolute, key):
    """One row an entry; the geometric mean and its range over the rounds last."""
    names = names_of(result)
    for layout in LAYOUTS:
        figures = Figures(names, figure, absolute, layout)
        table = Table(title, figures.columns(), last=3)
        table.rows = [figures.line(entry) for entry in entries]
        table.rows += [
            figures.framed("geometric mean", "", mean_cells(result, names, key), ""),
            figures.framed("  least round", "", range_cells(result, names, key, 0), ""),
            figures.framed("  greatest round", "", range_cells(result, names, key, 1), "")]
        if table.width() <= terminal_width():
            break
    return table


def goals_table(found):
    table = Table("goals", ["", "goal", "measured", "where", "holds"],
                  left=("goal", "measured", "where"))
    styles = {True: Cell("yes", GOOD), False: Cell("no", BAD), None: Cell("-", DIM)}
    table.rows = [[goal.what, goal.goal, Cell(goal.found, DIM if goal.met is None else ""),
                   goal.where, styles[goal.met]] for goal in found]
    return table


def failures_table(failed):
    table = Table("failed", ["row", "allocator", "reason"], left=("allocator", "reason"))
    table.rows = [[what, name, Cell(reason, BAD)] for what, name, reason in failed]
    return table


def print_instructions(counts, names):
    """counts: {(row name, allocator name): instructions an operation}."""
    table = Table("instructions inside the allocator for one operation, one thread", ["", *names])
    for row in dict.fromkeys(row for row, _ in counts):
        cells = [counts.get((row, name)) for name in names]
        table.rows.append([row, *(Cell("-", DIM) if count is None else f"{count:.1f}"
                                  for count in cells)])
    show(table)


def print_head(result):
    machine = result["machine"]
    print(f"\n{result['date']}, commit {result['commit']}, {result['mode']}, "
          f"interleaved rounds: {result['rounds']}")
    if result.get("durations"):
        print(f"it took {spoken_parts(result['durations'])}")
    print(f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_mib']} MiB, Linux "
          f"{machine['kernel']}, {machine['distribution']}, {machine['compiler']}, huge pages "
          f"{machine['thp']}")
    print(", ".join(f"{one['name']} {one['version']}" for one in result["allocators"]))
    for name, value in result.get("settings", {}).items():
        print(f"set: {name}={value}")


def print_result(result):
    """All that is to be seen of a result on a terminal."""
    print_head(result)
    rows, programs = result["rows"], result["programs"]
    if rows:
        show(figure_table(result, "time, ratio to the best peer (spread)",
                          rows, summary.TIME, time_text, "time_geomean"))
        show(figure_table(result, "peak RSS, ratio to the best peer (spread)",
                          rows, summary.RSS, rss_text, "rss_geomean"))
    if programs:
        show(figure_table(result, "programs: CPU time, ratio to the best peer (spread)",
                          programs, summary.CPU, time_text, "programs_cpu"))
        show(figure_table(result, "programs: peak RSS, ratio to the best peer (spread)",
                          programs, summary.RSS, rss_text, "programs_rss"))
    failed = summary.failures(result)
    if failed:
        show(failures_table(failed))
    if OURS in names_of(result):
        show(goals_table(goals(result)))
    if any(row["solo"] for row in rows):
        print("* kept out of the geometric mean of times")
    for note in result.get("notes", []):
        print(f"note: {note}")
