# tools/lib/bench_report.py - the result of the benchmark as one HTML file that needs nothing else.
#
# Plots are drawn by plotly.js, which python3-plotly brings along and which is copied into the
# file: nothing is loaded from a network. bench_report.html is the page without its contents.
import json
import os
import string
from html import escape

from plotly.offline import get_plotlyjs

import bench_goals
import bench_report_data as data
import bench_report_plots as plots
import bench_report_tables as tables
from bench_progress import spoken_parts

TEMPLATE = os.path.splitext(os.path.abspath(__file__))[0] + ".html"
# The symbols of plotly that bench_report_data uses, in a square of 12.
SHAPES = {
    "diamond": "M6 0 12 6 6 12 0 6Z", "square": "M1 1H11V11H1Z", "triangle-up": "M6 0 12 11H0Z",
    "triangle-down": "M6 12 12 1H0Z", "pentagon": "M6 0 12 4.5 9.7 11.5H2.3L0 4.5Z",
    "circle": "M6 .5A5.5 5.5 0 1 1 6 11.5 5.5 5.5 0 1 1 6 .5Z", "line-ns": "M5 0H7V12H5Z",
    "star": "M6 0 7.6 4.2 12 4.4 8.6 7.2 9.7 11.5 6 9 2.3 11.5 3.4 7.2 0 4.4 4.4 4.2Z",
    "hexagon": "M3 .8H9L12 6 9 11.2H3L0 6Z",
}


class Page(string.Template):
    """%%name, as the page's own script is full of dollars and braces."""
    delimiter = "%%"


def mark(style):
    colour, symbol = style
    return f'<svg class="mark" viewBox="0 0 12 12" aria-hidden="true">' \
           f'<path fill="{colour}" d="{SHAPES[symbol]}"/></svg>'


# --- head ----------------------------------------------------------------------------------------

def facts(result):
    """[(title, text)] of where and when."""
    machine = result.get("machine") or {}
    memory = machine.get("memory_mib")
    found = [
        ("date", str(result.get("date", "")).replace("T", " ")), ("commit", result.get("commit")),
        ("run", f"{result.get('mode', '?')}, {result.get('rounds', '?')} rounds, interleaved"),
        ("took", spoken_parts(result["durations"]) if result.get("durations") else None),
        ("processor", machine.get("cpu")), ("cores", machine.get("cores")),
        ("memory", f"{memory / 1024:.1f} GiB" if memory else None),
        ("kernel", machine.get("kernel")), ("system", machine.get("distribution")),
        ("libc", machine.get("libc")), ("compiler", machine.get("compiler")),
        ("huge pages", machine.get("thp")), ("governor", machine.get("governor")),
    ]
    found += [(name, value) for name, value in (result.get("settings") or {}).items()]
    return [(title, str(text)) for title, text in found if text not in (None, "")]


def facts_html(result):
    return "".join(f"<div><dt>{escape(title)}</dt><dd>{escape(text)}</dd></div>"
                   for title, text in facts(result))


def headline(result):
    """The result in a sentence; no figure without its range."""
    own = data.summary(result, data.OURS)
    time, memory = own.get("time_geomean"), own.get("rss_geomean")
    if time is None or memory is None:
        return "tidemalloc has no figures in this result."
    return (f"Over {own.get('rows', '?')} rows tidemalloc takes <b>{time:.2f} ×</b> the time "
            f"{around(own, 'time_geomean')} and <b>{memory:.2f} ×</b> the peak memory "
            f"{around(own, 'rss_geomean')} of the best of "
            f"{escape(', '.join(peers_of(result)))} in each row.")


def peers_of(result):
    return [name for name in data.allocator_names(result) if name in data.PEERS]


def around(summary, key):
    low_high = summary.get(key + "_range")
    return f"({low_high[0]:.2f} to {low_high[1]:.2f} in single rounds)" if low_high else ""


# --- cards ---------------------------------------------------------------------------------------

def mean_line(summary, key, title):
    low_high = summary.get(key + "_range")
    beside = f"{low_high[0]:.2f} to {low_high[1]:.2f}" if low_high else "&nbsp;"
    return f'<div class="mean"><span>{title}</span><b>{data.times(summary.get(key))}</b>' \
           f"<small>{beside}</small></div>"


def find_line(lines, worst):
    for line in lines:
        if line["name"] == worst.get("row") and line.get("threads") == worst.get("threads"):
            return line
    return None


def detail(title, value, spread, where=""):
    place = f"<code>{escape(where)}</code> " if where else ""
    return f'<div class="detail"><span>{title}</span><span>{value}</span>' \
           f"<p>{place}<small>{spread}</small></p></div>"


def worst_line(result, name, key, field, title):
    worst = data.summary(result, name).get(key)
    if not worst:
        return ""
    line = find_line(result["rows"], worst)
    share = data.spread(line, name, field) if line else None
    spread = "one run" if share is None else f"spread {data.percent(share)}"
    label = data.label({"name": worst["row"], "threads": worst.get("threads")})
    return detail(f"worst {title}", data.times(worst["ratio"]), spread, label)


def programs_line(summary, key, title):
    value, low_high = summary.get(key), summary.get(key + "_range")
    if value is None:
        return ""
    spread = f"{low_high[0]:.2f} to {low_high[1]:.2f}" if low_high else ""
    return detail(f"programs {title}", data.times(value), spread)


def figures_of(result, name):
    """What a card says. The memory of an allocator that never frees is no figure of its own."""
    summary = data.summary(result, name)
    memory = name != data.LIMIT
    return "".join((
        mean_line(summary, "time_geomean", "time"),
        mean_line(summary, "rss_geomean", "peak RSS") if memory else "",
        worst_line(result, name, "worst_time", data.TIME, "time"),
        worst_line(result, name, "worst_rss", data.RSS, "RSS") if memory else "",
        programs_line(summary, "programs_cpu", "CPU"),
        programs_line(summary, "programs_rss", "RSS"),
        f'<div class="rows">{summary.get("rows", 0)} rows</div>'))


def card(result, allocator, style):
    name = allocator["name"]
    kind = {data.OURS: " own", data.LIMIT: " limit"}.get(name, "")
    version = "" if name == data.LIMIT else str(allocator.get("version") or "")
    return (f'<article class="card{kind}"><h3>{mark(style)} {escape(name)} '
            f"<small>{escape(version)}</small></h3>{figures_of(result, name)}</article>")


def ours_first(name):
    return {data.OURS: -1, data.LIMIT: 1}.get(name, 0)


def cards(result, look):
    described = sorted(result["allocators"], key=lambda one: ours_first(one["name"]))
    return "".join(card(result, one, look[one["name"]]) for one in described)


# --- goals ---------------------------------------------------------------------------------------

def goal_line(goal):
    word, kind = {True: ("met", "good"), False: ("not met", "bad"),
                  None: ("not measured", "quiet")}[goal.met]
    bound, found = (escape(text.replace("<=", "≤").replace(">=", "≥"))
                    for text in (goal.goal, goal.found))
    return (f'<tr><td class="{kind}">{word}</td><th scope="row">{escape(goal.what)}</th>'
            f"<td>{bound}</td><td>{found}</td><td><code>{escape(goal.where)}</code></td></tr>")


def goals_html(result):
    """Nothing where tidemalloc was not measured."""
    if data.OURS not in data.allocator_names(result):
        return ""
    return "".join(goal_line(goal) for goal in bench_goals.goals(result))


# --- plots and tables ----------------------------------------------------------------------------

def figures(result, names):
    """{name of a place in the page: the plots that stand there}"""
    rows, programs = result["rows"], result["programs"]
    freeing = [name for name in names if name != data.LIMIT]
    return {
        "time": plots.dot_plots(rows, names, data.TIME, data.seconds, bench_goals.ROW_TIME),
        "rss": plots.dot_plots(rows, freeing, data.RSS, data.mebibytes, bench_goals.ROW_RSS),
        "after": plots.dot_plots(rows, freeing, data.AFTER, data.mebibytes, relative=False),
        "scaling": plots.scaling(rows, names),
        "latency": plots.latency(rows, names),
        "programs_cpu": plots.dot_plots(programs, freeing, data.CPU, data.seconds),
        "programs_rss": plots.dot_plots(programs, freeing, data.RSS, data.mebibytes),
    }


def embedded(value):
    """JSON for a script element: nothing in it can end the element."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def chips(names, look):
    return "".join(f'<button type="button" class="chip" data-allocator="{escape(name)}" '
                   f'aria-pressed="true">{mark(look[name])} {escape(name)}</button>'
                   for name in names)


def thread_buttons(rows):
    counts = sorted({row["threads"] for row in rows if row.get("threads")})
    return "".join(f'<button type="button" data-threads="{count}" aria-pressed="false">{count}'
                   "</button>" for count in counts)


def heats_html(rows, names):
    found = tables.heats(rows, names)
    tabs = "".join(f'<button type="button" data-tab="{at}" aria-pressed="{str(at == 0).lower()}">'
                   f"{escape(title)}</button>" for at, (title, _, _) in enumerate(found))
    bodies = "".join(f'<div class="tab"{"" if at == 0 else " hidden"}><p>{escape(what)}</p>'
                     f'<div class="scroll">{table}</div></div>'
                     for at, (_, what, table) in enumerate(found))
    return f'<div class="buttons tabs">{tabs}</div>{bodies}' if found else ""


def patterns(rows):
    """What each workload stands for, once a name."""
    known = {row["name"]: row.get("pattern") or "" for row in rows}
    return "".join(f"<div><dt><code>{escape(name)}</code></dt><dd>{escape(text)}</dd></div>"
                   for name, text in known.items())


def notes_html(result):
    notes = list(result.get("notes") or [])
    for line in result["rows"] + result["programs"]:
        for name in line.get("results") or {}:
            word, reason = data.why_missing(line, name)
            if not data.cell(line, name) and word == "failed":
                notes.append(f"{data.label(line)} under {name} failed: {reason}")
    return "".join(f"<li>{escape(note)}</li>" for note in notes)


def contents(result):
    names = data.allocator_names(result)
    ordered = sorted(names, key=ours_first)
    look = data.styles(names)
    rows, programs = result["rows"], result["programs"]
    return {
        "date": escape(str(result.get("date", ""))[:10]),
        "headline": headline(result),
        "facts": facts_html(result),
        "cards": cards(result, look),
        "goals": goals_html(result),
        "chips": chips(ordered, look),
        "threads": thread_buttons(rows),
        "heats": heats_html(rows, ordered),
        "everything": tables.everything(rows + programs, ordered),
        "counters": tables.counters(rows, ordered),
        "patterns": patterns(rows),
        "notes": notes_html(result),
        "figures": embedded(figures(result, names)),
        "plotly": get_plotlyjs().replace("</script", "<\\/script"),
    }


def write(result, path):
    """Writes the report of a result to a file."""
    result = {"rows": [], "programs": [], "allocators": [], "summary": {}, **result}
    with open(TEMPLATE, encoding="utf-8") as file:
        page = Page(file.read()).substitute(contents(result))
    with open(path, "w", encoding="utf-8") as file:
        file.write(page)
