# tools/lib/bench_print.py - tables of text: by python3-rich where it is, else aligned by hand.
#
# rich is imported where it is used: it may be installed after this file was read.
import dataclasses
import importlib.util
import sys

GOOD, BAD, DIM = "bold green", "bold red", "dim"
COLUMNS_WITHOUT_TERMINAL = 160


@dataclasses.dataclass(frozen=True)
class Cell:
    text: str
    style: str = ""


@dataclasses.dataclass
class Table:
    """The first column is aligned left, those named in `left` too, the others right."""
    title: str
    columns: list
    rows: list = dataclasses.field(default_factory=list)
    last: int = 0        # so many rows at the end stand under a line
    left: tuple = ()

    def width(self):
        return sum(max(len(as_cell(row[at]).text) for row in [self.columns, *self.rows]) + 2
                   for at in range(len(self.columns)))

    def is_left(self, at):
        return at == 0 or self.columns[at] in self.left


def as_cell(value):
    return value if isinstance(value, Cell) else Cell(value)


def has_rich():
    return importlib.util.find_spec("rich") is not None


def console():
    from rich.console import Console
    wide = None if sys.stdout.isatty() else COLUMNS_WITHOUT_TERMINAL
    return Console(width=wide, highlight=False)


def terminal_width():
    return console().width if has_rich() else COLUMNS_WITHOUT_TERMINAL


def show_rich(table):
    from rich import box, table as rich_table, text
    drawn = rich_table.Table(title=table.title, title_justify="left", title_style="bold",
                             box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    for at, name in enumerate(table.columns):
        # Only tables that have columns of prose may wrap, and only there.
        drawn.add_column(name, justify="left" if table.is_left(at) else "right",
                         no_wrap=not table.left or not table.is_left(at))
    for number, row in enumerate(table.rows, 1):
        drawn.add_row(*(text.Text(cell.text, cell.style) for cell in map(as_cell, row)),
                      end_section=number == len(table.rows) - table.last)
    console().print(drawn)


def show_plain(table):
    lines = [[as_cell(value).text for value in row] for row in [table.columns, *table.rows]]
    widths = [max(len(line[at]) for line in lines) for at in range(len(table.columns))]
    rule = "  ".join("-" * width for width in widths)
    print(f"\n{table.title}")
    for number, line in enumerate(lines):
        if number == 1 or (table.last and number == len(lines) - table.last):
            print(rule)
        print("  ".join(text.ljust(width) if table.is_left(at) else text.rjust(width)
                        for at, (text, width) in enumerate(zip(line, widths))).rstrip())


def show(table):
    if has_rich():
        show_rich(table)
    else:
        show_plain(table)
