# tools/lib/bench_price_table.py - the price of giving back on a terminal.
import statistics

import bench_summary as summary
from bench_goals import label
from bench_price import OFF
from bench_price_goals import CALLS_LEAST_BYTES, ROW_TIME, added, goals, ratios
from bench_print import BAD, DIM, GOOD, Cell, Table, show
from bench_table import failures_table, goals_table, print_head, time_text


def ratio_cell(values):
    """Red above the bound in every round: that is no noise."""
    if not values:
        return Cell("-", DIM)
    middle = statistics.median(values)
    style = BAD if min(values) > ROW_TIME else GOOD if middle <= ROW_TIME else ""
    return Cell(f"{middle:.2f}", style)


def returned_text(row):
    pair = added(row)
    if not pair or pair[1] < CALLS_LEAST_BYTES:
        return Cell("-", DIM)
    return f"{pair[1] >> 20} MiB in {pair[0]}"


def row_line(row):
    figure = summary.CPU if row["solo"] else summary.TIME
    values, off = ratios(row, figure), summary.median_of(row, OFF, figure)
    return [label(row) + " *" * row["solo"], time_text(row, off) if off is not None else "-",
            ratio_cell(values), f"{min(values):.2f}" if values else "",
            f"{max(values):.2f}" if values else "", ratio_cell(ratios(row, summary.CPU)),
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
