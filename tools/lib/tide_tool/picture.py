"""The run as a picture: parts of the heap and RSS over time; below, the address space they lie in.
"""
import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402
from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: E402

from .figures import PARTS  # noqa: E402
from .show import PART_TITLES, size  # noqa: E402

# Told apart by all eyes (Okabe and Ito); what the program holds is the calmest.
COLOURS = {"live_bytes": "#0072b2", "cached_bytes": "#56b4e9", "slack_bytes": "#e69f00",
           "free_bytes": "#d55e00", "huge_cached_bytes": "#cc79a7", "metadata_bytes": "#7f7f7f"}
RSS, RETURNED = "#000000", "#009e73"
KINDS = (("break", "program break", "#0072b2"), ("arena", "regions of arenas", "#e69f00"),
         ("huge", "huge blocks, freed mappings", "#cc79a7"))
STYLE = {"font.family": "sans-serif", "font.size": 9, "svg.fonttype": "none",
         "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
         "grid.color": "#e5e5e5", "axes.axisbelow": True, "legend.frameon": False}
TITLE_LENGTH = 70


def title(record):
    words = " ".join(record.cmd)
    return words if len(words) <= TITLE_LENGTH else words[:TITLE_LENGTH - 1] + "…"


def format_axis(axis, label):
    axis.set_ylabel(label)
    axis.set_ylim(bottom=0)
    axis.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 4, 8, 10]))
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
        axis.plot(times, [sample.returned for sample in known], color=RETURNED, linestyle=":",
                  linewidth=1.3, label="returned (not resident)")
    axis.plot([sample.seconds for sample in samples], [sample.rss for sample in samples],
              color=RSS, linewidth=1.3, label="RSS of the process")


def draw_kinds(axis, samples):
    known = [sample for sample in samples if sample.kinds]
    for kind, label, colour in KINDS:
        values = [sample.kinds[kind] for sample in known]
        if any(values):
            axis.step([sample.seconds for sample in known], values, where="post", label=label,
                      color=colour, linewidth=1.3)


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
