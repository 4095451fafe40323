# tools/lib/bench_report_tables.py - the tables of the report, as HTML.
#
# A cell that can be sorted carries its value in data-v; sorting and filtering is the page's part.
# Where an allocator has no figure, the cell says why when the pointer rests on it.
import math
from html import escape

import bench_report_data as data

HEAT_FULL = 4.0  # doublings over the least of the row at which a cell has its full colour


def total(*fields):
    def value(line, name):
        found = [data.median(line, name, field) for field in fields]
        return sum(found) if found and None not in found else None
    return value


def of_cell(field):
    def value(line, name):
        found = data.cell(line, name)
        return found.get(field) if found else None
    return value


HEATS = (
    ("Page faults", "minor and major, of the timed part",
     total("minor_faults", "major_faults")),
    ("System calls", "of the whole process with an eighth of the steps, counted by strace in a run "
                     "of its own; rows of the short run, three allocators",
     of_cell("system_calls")),
    ("Context switches", "voluntary and involuntary, of the timed part",
     total("voluntary_switches", "involuntary_switches")),
    ("Instructions per operation", "inside the allocator, one thread; counted by callgrind",
     of_cell("instructions_per_operation")),
)


def span(text, kind, title=None):
    said = f' title="{escape(title)}"' if title else ""
    return f'<span class="{kind}"{said}>{escape(text)}</span>'


def missing(line, name):
    word, reason = data.why_missing(line, name)
    return span(word, "bad" if word == "failed" else "quiet", reason)


def heat(value, least):
    """0 to 1: how far above the least of the row. One more of each, as both may be none."""
    return min(1.0, max(0.0, math.log2((value + 1) / (least + 1)) / HEAT_FULL))


def heat_cell(line, name, value, least):
    if value is None:
        known = data.cell(line, name)
        text = span("–", "quiet", "not counted") if known else missing(line, name)
        return f'<td class="n">{text}</td>'
    share = heat(value, least)
    style = f' style="--h:{share:.2f}"' if share > 0.005 else ""
    return f'<td class="n" data-v="{value:g}"{style}>{data.number(value)}</td>'


def head(titles):
    cells = "".join(f'<th scope="col" tabindex="0">{escape(title)}</th>' for title in titles)
    return f"<thead><tr>{cells}</tr></thead>"


def heat_line(row, names, values):
    """The least is that of allocators: the limit frees nothing and is none."""
    known = [value for name, value in values.items() if name != data.LIMIT and value is not None]
    if not known:
        return ""
    cells = "".join(heat_cell(row, name, values[name], min(known)) for name in names)
    return f'<tr><th scope="row">{escape(data.label(row))}</th>{cells}</tr>'


def heat_table(rows, names, value_of):
    """Rows by allocators for one figure; nothing when no row has it."""
    body = "".join(heat_line(row, names, {name: value_of(row, name) for name in names})
                   for row in rows)
    return f"<table class='heat'>{head(['row', *names])}<tbody>{body}</tbody></table>" \
        if body else ""


def heats(rows, names):
    """[(title, what it is, HTML)] of the figures that were taken."""
    tables = [(title, what, heat_table(rows, names, value_of)) for title, what, value_of in HEATS]
    return [entry for entry in tables if entry[2]]


# --- every figure --------------------------------------------------------------------------------

COLUMNS = (
    ("time", "seconds", data.seconds), ("CPU", "cpu_seconds", data.seconds),
    ("user", "user_seconds", data.seconds), ("system", "system_seconds", data.seconds),
    ("peak RSS", "peak_rss_kib", data.mebibytes), ("RSS after", "rss_after_kib", data.mebibytes),
    ("RSS before", "rss_start_kib", data.mebibytes),
    ("minor faults", "minor_faults", data.number), ("major faults", "major_faults", data.number),
    ("voluntary switches", "voluntary_switches", data.number),
    ("involuntary switches", "involuntary_switches", data.number),
)
RATIOS = {"seconds": "time ×", "cpu_seconds": "CPU ×", "peak_rss_kib": "RSS ×"}
COUNTS = (("system calls", "system_calls"), ("instructions/op", "instructions_per_operation"))


def value_cell(value, text, spread=None):
    if value is None:
        return '<td class="n quiet">–</td>'
    beside = f" <small>{data.percent(spread)}</small>" if spread is not None else ""
    return f'<td class="n" data-v="{value:.6g}">{text}{beside}</td>'


def figure_cells(line, name):
    cells = []
    for _, field, show in COLUMNS:
        value = data.median(line, name, field)
        cells.append(value_cell(value, show(value), data.spread(line, name, field)))
        if field in RATIOS:
            ratio = data.ratio(line, name, field)
            cells.append(value_cell(ratio, data.times(ratio, 3)))
    for _, field in COUNTS:
        value = data.cell(line, name).get(field)
        cells.append(value_cell(value, data.number(value)))
    return cells


def titles():
    found = []
    for title, field, _ in COLUMNS:
        found += [title, RATIOS[field]] if field in RATIOS else [title]
    return found + [title for title, _ in COUNTS]


def figure_line(line, name):
    start = (f'<th scope="row">{escape(line["name"])}</th>'
             f'{value_cell(line.get("threads"), str(line.get("threads")))}'
             f"<td>{escape(name)}</td>")
    if data.cell(line, name):
        cells = "".join(figure_cells(line, name))
    else:
        cells = f'<td colspan="{len(titles())}">{missing_text(line, name)}</td>'
    return f'<tr data-allocator="{escape(name)}">{start}{cells}</tr>'


def missing_text(line, name):
    word, reason = data.why_missing(line, name)
    return span(f"{word}: {reason}", "bad" if word == "failed" else "quiet")


def everything(lines, names):
    """A line for each row and allocator with every figure: the median and, small, its spread."""
    body = "".join(figure_line(line, name) for line in lines for name in names
                   if name in (line.get("results") or {}))
    return f"<table class='all'>{head(['row', 'threads', 'allocator', *titles()])}" \
           f"<tbody>{body}</tbody></table>"


# --- counters ------------------------------------------------------------------------------------

def counter_line(row, counter, names):
    cells = []
    for name in names:
        value = data.median(row, name, counter)
        show = data.nanoseconds if counter.endswith("_ns") else data.number
        cells.append(value_cell(value, show(value), data.spread(row, name, counter)))
    return f'<tr><th scope="row">{escape(data.label(row))}</th><td>{escape(counter)}</td>' \
           f"{''.join(cells)}</tr>"


def counters(rows, names):
    """What workloads counted themselves; nothing when none did."""
    lines = []
    for row in rows:
        found = {}
        for name in names:
            found |= ((data.cell(row, name) or {}).get("median") or {}).get("counters") or {}
        lines += [counter_line(row, counter, names) for counter in found]
    return f"<table class='all'>{head(['row', 'counter', *names])}" \
           f"<tbody>{''.join(lines)}</tbody></table>" if lines else ""
