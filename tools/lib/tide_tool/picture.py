"""The run as a picture: parts of the heap and RSS over time; below, the address space they lie in.
"""
import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402
from matplotlib.ticker import FuncFormatter, MultipleLocator  # noqa: E402

from .figures import PARTS  # noqa: E402
from .show import COLOURS, PART_TITLES, RETURNED_COLOUR, size  # noqa: E402

KINDS = (("break", "program break", "#0072b2"), ("arena", "regions of arenas", "#e69f00"),
         ("huge", "huge blocks, freed mappings", "#cc79a7"),
         ("guarded", "guarded blocks", "#56b4e9"))
STYLE = {"font.family": "sans-serif", "font.size": 9, "svg.fonttype": "none",
         "svg.hashsalt": "tide",
         "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
         "grid.color": "#e5e5e5", "axes.axisbelow": True, "legend.frameon": False}
TITLE_LENGTH = 70
TICKS_MAX = 5


def title(record):
    words = "".join(each if each.isprintable() else " " for each in " ".join(record.cmd))
    words = words if len(words) <= TITLE_LENGTH else words[:TITLE_LENGTH - 1] + "…"
    return words.replace("$", r"\$")  # else what stands between two is read as a formula


def format_axis(axis, label):
    axis.set_ylabel(label)
    axis.set_ylim(bottom=0)
    step = 1024
    while axis.get_ylim()[1] / step > TICKS_MAX:
        step *= 2
    axis.yaxis.set_major_locator(MultipleLocator(step))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: size(int(value))))
    handles, labels = axis.get_legend_handles_labels()
    axis.legend(handles[::-1], labels[::-1], loc="upper left", bbox_to_anchor=(1.01, 1.0))


def draw_parts(axis, samples):
    known = [sample for sample in samples if sample.parts]
    if known:
        times = [sample.seconds for sample in known]
        axis.stackplot(times, [[sample.parts[name] for sample in known] for name in PARTS],
                       labels=[PART_TITLES[name] for name in PARTS], linewidth=0,
                       colors=[COLOURS[name] for name in PARTS])
    axis.plot([sample.seconds for sample in samples], [sample.rss for sample in samples],
              color="black", linewidth=1.3, label="RSS of the process")


def draw_kinds(axis, samples):
    known = [sample for sample in samples if sample.kinds]
    for kind, label, colour in KINDS:
        values = [sample.kinds[kind] for sample in known]
        if any(values):
            axis.step([sample.seconds for sample in known], values, where="post", label=label,
                      color=colour, linewidth=1.3)
    if known:
        axis.plot([sample.seconds for sample in known], [sample.returned for sample in known],
                  color=RETURNED_COLOUR, linestyle="--", linewidth=1.3,
                  label="given back, still mapped")


def draw(record, path):
    """Writes the picture; the name's ending says of which kind."""
    with pyplot.rc_context(STYLE):
        figure, (upper, lower) = pyplot.subplots(
            2, 1, sharex=True, figsize=(9.5, 6), gridspec_kw={"height_ratios": [3, 1.3]},
            layout="constrained")
        draw_parts(upper, record.samples)
        draw_kinds(lower, record.samples)
        format_axis(upper, "resident")
        format_axis(lower, "address space")
        upper.set_title(title(record), loc="left", fontsize=10, family="monospace")
        lower.set_xlabel(f"seconds (peak RSS {size(record.peak_rss)}"
                         f"{', tidemalloc ' + record.release if record.release else ''})")
        lower.set_xlim(left=0)
        figure.savefig(path, dpi=130, metadata={"Date": None} if path.endswith("svg") else None)
        pyplot.close(figure)
