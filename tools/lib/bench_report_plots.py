# tools/lib/bench_report_plots.py - the plots of the report, as plotly's own data.
#
# A plot is a dict: `data` and `layout` as plotly takes them, `kind`, and for kind "dots" `lines`,
# the rows from top to bottom. The page sets colours of text and grid, so that a plot follows the
# reader's light or dark theme, and places the rows, so that they can be chosen and ordered.
import math
import re

import bench_report_data as data

LINE_PX = 20     # height of a row in a plot of dots
LATENCY = re.compile(r"^(malloc|free)_(?:p(\d+(?:[_.]\d+)?)|(max))_ns$")
RATIO_MAX = 10   # marks further out stand at the edge, with their ratio in words
WORDS = 2.6      # times RATIO_MAX: how far the axis goes on for these words
MAX_AT = 6.0     # where the largest value stands on the axis of nines
FINE = (0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 2.5, 3, 4)
COARSE = tuple(2.0 ** power for power in range(-8, 4))
DECADES = tuple(step * 10.0 ** power for power in range(-3, 13) for step in (1, 2, 5))


def marker(name, style, small=False):
    colour, symbol = style
    if name == data.LIMIT:
        return {"color": colour, "symbol": symbol, "size": 12,
                "line": {"color": colour, "width": 2}}
    own = name == data.OURS
    size = (8 if own else 6) if small else (11 if own else 8)
    size += 1 if symbol.startswith("triangle") else 0
    return {"color": colour, "symbol": symbol, "size": size, "line": {"width": 0}}


def error_bars(middles, limits, colour, width=0):
    above = [high - middle for middle, (_, high) in zip(middles, limits)]
    below = [middle - low for middle, (low, _) in zip(middles, limits)]
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below,
            "color": colour, "thickness": 1.5, "width": width}


def log_ticks(values, marks, text):
    """Ticks of a log axis around the values: (tickvals, ticktext, range)."""
    low, high = math.log10(min(values)), math.log10(max(values))
    margin = max(0.02, (high - low) * 0.04)
    low, high = low - margin, high + margin
    shown = [mark for mark in marks if low <= math.log10(mark) <= high]
    return {"type": "log", "range": [low, high], "tickvals": shown,
            "ticktext": [text(mark) for mark in shown]}


def ratio_axis(values):
    values = values + [0.97, 1.05]
    fine = max(values) / min(values) < 5
    return log_ticks(values, FINE if fine else COARSE, lambda mark: f"{mark:g} ×")


def size_axis(values):
    """MiB on a log axis."""
    wide = max(values) / min(values) > 300
    marks = [mark for mark in DECADES if not wide or math.log10(mark) % 1 == 0]
    return log_ticks(values, marks, lambda mark: f"{mark:g}")


def hover(line, name, field, show):
    """The sentence over a mark."""
    middle, (low, high) = data.median(line, name, field), data.bounds(line, name, field)
    peer, best = data.best_peer(line, field)
    text = f"<b>{data.label(line)}</b><br>{name}: {show(middle)}"
    if low != high:
        text += f" ({show(low)} to {show(high)})"
    if best:
        text += f"<br>{middle / best:.3f} × the best peer ({peer}, {show(best)})"
    return text


def dot_trace(lines, name, field, show, relative, style):
    """One allocator's marks. Its y is the number of the row; the page turns it into a place."""
    most = RATIO_MAX if relative else math.inf
    at, x, limits, texts = [], [], [], []
    for row, line in enumerate(lines):
        middle = data.median(line, name, field)
        scale = data.best_peer(line, field)[1] if relative else 1024
        if not middle or not scale:
            continue
        low, high = data.bounds(line, name, field)
        at.append(row)
        x.append(min(middle / scale, most))
        # A logarithmic axis has no place for a zero.
        limits.append((min((low or middle) / scale, most), min(high / scale, most)))
        texts.append(hover(line, name, field, show))
    return {"type": "scatter", "mode": "markers", "name": name, "meta": {"allocator": name},
            "x": x, "y": at, "text": texts, "hoverinfo": "text", "cliponaxis": False,
            "marker": marker(name, style),
            "error_x": error_bars(x, limits, style[0])}


def beyond_words(far, look):
    """far: [(name, ratio)] of a row. Several have to share the room beside the plot."""
    if len(far) == 1:
        texts = [f"{far[0][0]} {data.three(far[0][1])} ×"]
    else:
        texts = [f"{ratio:.0f}" for _, ratio in far]
        texts[-1] += " ×"
    return "  ".join(f'<span style="color:{look[name][0]}">{text}</span>'
                     for (name, _), text in zip(far, texts))


def beyond_trace(lines, names, field, look):
    """Words for the marks that stand at the edge: ratios, with a name where one stands alone."""
    words = {}
    for row, line in enumerate(lines):
        far = [(name, ratio) for name in names
               if (ratio := data.ratio(line, name, field)) is not None and ratio > RATIO_MAX]
        if far:
            words[row] = beyond_words(far, look)
    return {"type": "scatter", "mode": "text", "name": "", "meta": {"allocator": "", "offset": 0},
            "x": [RATIO_MAX * 1.14] * len(words), "y": list(words), "hoverinfo": "skip",
            "text": list(words.values()), "textposition": "middle right",
            "textfont": {"size": 10}, "cliponaxis": False}


def ends(trace, values, bars):
    """Where the marks and their bars reach."""
    return [end for value, below, above in zip(trace[values], trace[bars]["arrayminus"],
                                               trace[bars]["array"])
            for end in (value - below, value + above)]


def dot_axis(plots, relative):
    """One axis for all plots of a figure; None without a mark."""
    traces = [trace for plot in plots for trace in plot["data"]]
    reached = [end for trace in traces if "error_x" in trace
               for end in ends(trace, "x", "error_x")]
    if not reached:
        return None
    words = any(trace["x"] for trace in traces if trace["mode"] == "text")
    axis = ratio_axis(reached + [RATIO_MAX * WORDS] * words) if relative else size_axis(reached)
    return axis | {"side": "top", "ticks": "", "tickangle": 0}


def dots(title, lines, traces):
    """A row a line, a mark an allocator."""
    rows = [{"name": line["name"], "family": line.get("family"),
             "solo": bool(line.get("solo"))} for line in lines]
    return {"kind": "dots", "lines": rows, "own": data.OURS, "line_px": LINE_PX, "data": traces,
            "threads": lines[0].get("threads"), "layout": {"title": {"text": title}}}


def place_apart(traces):
    """Ours and the limit on the middle of a row, the others a little above or below."""
    others = [trace for trace in traces if trace["name"] not in (data.OURS, data.LIMIT)]
    for trace in traces:
        trace["meta"]["offset"] = 0
    for place, trace in enumerate(others):
        trace["meta"]["offset"] = (place - (len(others) - 1) / 2) * 0.5 / len(others)


def dot_plots(lines, names, field, show, goal=None, relative=True):
    """A plot for each thread count: ratios to the best peer, or MiB. `goal`: where a line shows
    what no row should exceed."""
    look = data.styles(names)
    plots = []
    for count in sorted({line.get("threads") or 0 for line in lines}):
        group = [line for line in lines if (line.get("threads") or 0) == count]
        traces = [dot_trace(group, name, field, show, relative, look[name]) for name in names]
        place_apart(traces)
        if relative:
            traces.insert(0, beyond_trace(group, names, field, look))
        plots.append(dots(data.threads_text(count) if count else "", group, traces))
    axis = dot_axis(plots, relative)
    for plot in plots:
        plot["layout"]["xaxis"] = axis
        plot["marks"] = ([1] if relative else []) + ([goal] if goal else [])
    return plots if axis else []


def panel(title, traces, xaxis, yaxis):
    """A small plot among others."""
    return {"kind": "panel", "data": traces,
            "layout": {"title": {"text": title}, "xaxis": xaxis, "yaxis": yaxis}}


def line_trace(name, style, points, show, title):
    """points: (x, middle, (low, high), what is said about x)."""
    x, y, limits, said = zip(*points)
    own = name == data.OURS
    texts = [f"<b>{title}</b>, {what}<br>{name}: {show(middle)}"
             + (f" ({show(low)} to {show(high)})" if low != high else "")
             for middle, (low, high), what in zip(y, limits, said)]
    mode = "lines" if name == data.LIMIT else "lines+markers"
    return {"type": "scatter", "mode": mode, "name": name, "x": x, "y": y,
            "meta": {"allocator": name}, "text": texts, "hoverinfo": "text",
            "line": {"color": style[0], "width": 2.5 if own else 1.3,
                     "dash": "dot" if name == data.LIMIT else "solid"},
            "marker": marker(name, style, small=True),
            "error_y": error_bars(y, limits, style[0], width=2)}


def throughput(row, name):
    """(middle, (least, most)) operations per second."""
    middle, (low, high) = data.median(row, name, data.TIME), data.bounds(row, name, data.TIME)
    operations = row.get("operations")
    if not middle or not low or not operations:
        return None
    return operations / middle, (operations / high, operations / low)


def per_second(value):
    return f"{data.number(value)}/s"


def scaling_points(rows, name):
    points = []
    for row in rows:
        rate = throughput(row, name)
        if rate:
            threads = row["threads"]
            points.append((threads, *rate, data.threads_text(threads)))
    return sorted(points)


def scaling(rows, names):
    """A panel for each workload that ran at several thread counts, families together."""
    groups = {}
    for row in data.timed(rows):
        groups.setdefault((row.get("family"), row["name"]), []).append(row)
    look = data.styles(names)
    panels = []
    for (_, title), group in groups.items():
        counts = sorted({row["threads"] for row in group})
        lists = {name: scaling_points(group, name) for name in names}
        traces = [line_trace(name, look[name], points, per_second, title)
                  for name, points in lists.items() if points]
        if len(counts) > 1 and traces:
            panels.append(panel(title, traces, {"type": "log", "tickvals": counts,
                                                "ticktext": [str(count) for count in counts]},
                                {"rangemode": "tozero"}))
    return panels


def percentile_of(counter):
    """(malloc or free, place on the axis of nines, its name), or None for another counter."""
    match = LATENCY.match(counter)
    if not match:
        return None
    call, digits, most = match.groups()
    if most:
        return call, MAX_AT, "max"
    whole, _, rest = digits.replace(".", "_").partition("_")
    if not rest and len(whole) > 2:
        whole, rest = whole[:2], whole[2:]
    share = f"{whole}.{rest}" if rest else whole
    if float(share) >= 100:
        return call, MAX_AT, "max"
    return call, -math.log10(1 - float(share) / 100), f"p{share}"


def latency_points(row, name, call):
    counters = (data.cell(row, name) or {}).get("median", {}).get("counters") or {}
    points = []
    for counter, value in counters.items():
        found = percentile_of(counter)
        if found and found[0] == call and value:
            low, high = data.bounds(row, name, counter)
            points.append((found[1], value, (low or value, high), found[2]))
    return sorted(points)


def decade_text(ns):
    for unit, name in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if ns >= unit:
            return f"{ns / unit:g} {name}"
    return f"{ns:g} ns"


def latency_panel(row, names, call):
    look = data.styles(names)
    lists = {name: latency_points(row, name, call) for name in names}
    title = f"{call} · {row['name']}, {data.threads_text(row.get('threads', 1))}"
    traces = [line_trace(name, look[name], points, data.nanoseconds, title)
              for name, points in lists.items() if points]
    if not traces:
        return None
    ticks = {x: said for points in lists.values() for x, _, _, said in points
             if said == "p50" or abs(x - round(x)) < 0.01}
    values = [end for trace in traces for end in ends(trace, "y", "error_y")]
    decades = [10.0 ** power for power in range(0, 12)]
    return panel(title, traces, {"tickvals": list(ticks), "ticktext": list(ticks.values())},
                 log_ticks(values, decades, decade_text))


def latency(rows, names):
    """Two panels for each row that has latencies: malloc and free."""
    panels = [latency_panel(row, names, call) for row in rows for call in ("malloc", "free")]
    return [found for found in panels if found]
