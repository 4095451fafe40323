# tools/lib/bench_price_table.py - the price of giving back on a terminal.
import bench_summary as summary
from bench_goals import label
from bench_price import OFF, ROW_TIME, least_ratio, pairs
from bench_price_goals import CALLS_LEAST_BYTES, added, goals, ratios
from bench_print import BAD, DIM, GOOD, Cell, Table, show
from bench_table import failures_table, goals_table, print_head, time_text


def ratio_cell(row, figure):
    """Red above the bound in every round: that is no noise."""
    ratio = least_ratio(row, figure)
    if ratio is None:
        return Cell("-", DIM)
    style = BAD if min(ratios(row, figure)) > ROW_TIME else GOOD if ratio <= ROW_TIME else ""
    return Cell(f"{ratio:.2f}", style)


def returned_text(row):
    pair = added(row)
    if not pair or pair[1] < CALLS_LEAST_BYTES:
        return Cell("-", DIM)
    return f"{pair[1] >> 20} MiB in {pair[0]}"


def row_line(row):
    figure = summary.CPU if row["solo"] else summary.TIME
    values, off = ratios(row, figure), [without for _, without in pairs(row, figure)]
    return [label(row) + " *" * row["solo"], time_text(row, min(off)) if off else "-",
            ratio_cell(row, figure), f"{min(values):.2f}" if values else "",
            f"{max(values):.2f}" if values else "", ratio_cell(row, summary.CPU),
            returned_text(row)]


def rows_table(rows):
    table = Table("time with giving back on / off, by row",
                  ["", "off", "on / off", "least", "greatest", "CPU on / off",
                   "returned, calls"])
    table.rows = [row_line(row) for row in rows if OFF in row["results"]]
    return table


def print_price(result):
    print_head(result)
    print("off: " + " ".join(f"{name}={value}" for name, value in result["off"].items()))
    show(rows_table(result["rows"]))
    failed = summary.failures(result)
    if failed:
        show(failures_table(failed))
    show(goals_table(goals(result)))
    if any(row["solo"] for row in result["rows"]):
        print("* CPU time, and kept out of the goals for time")
    for note in result["notes"]:
        print(f"note: {note}")
