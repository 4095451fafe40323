"""The live screen: a chart of the parts over time, their figures, the segments. What the program
writes meanwhile scrolls above it: its stdout and stderr are a terminal of their own."""
import fcntl
import os
import pty
import sys
import termios
import threading
import tty

from rich.ansi import AnsiDecoder
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.segment import Segment as Piece
from rich.style import Style
from rich.table import Table
from rich.text import Text

from .figures import PARTS
from .segments import KINDS, by_kind
from .show import COLOURS, PART_TITLES, RETURNED_COLOUR, size
from .watch import summary

RSS_COLOUR = "#ffffff"
CHART_ROWS = 10
SCALE_WIDTH = 9
KINDS_SHOWN = ("break", "arena", "huge", "freed", "guarded", "metadata", "page map", "program",
               "library", "stack", "other")


class Chart:
    """Columns of half blocks: a stack of parts with the RSS as a line over it."""

    def __init__(self, samples):
        self.samples = samples

    def __rich_console__(self, console, options):
        width = max(options.max_width - SCALE_WIDTH - 1, 10)
        columns = choose(self.samples, width)
        top = max([max(sample.rss, sum((sample.parts or {}).values())) for sample in columns] + [1])
        levels = [column_colours(sample, top) for sample in columns]
        for row in range(CHART_ROWS):
            upper = 2 * (CHART_ROWS - row) - 1
            label = size(int(top * (upper + 1) / (2 * CHART_ROWS))) if row % 3 == 0 else ""
            yield Piece(f"{label:>{SCALE_WIDTH - 1}} ")
            for column in levels:
                yield half_blocks(column[upper], column[upper - 1])
            yield Piece.line()
        first, last = "0", f"{self.samples[-1].seconds:.1f} s"
        yield Piece(" " * SCALE_WIDTH + first + last.rjust(len(columns) - len(first)))
        yield Piece.line()


def choose(samples, width):
    """One sample a column, all columns of equal time: of those that fall into it the one with the
    highest RSS, else the one before."""
    chosen, at, last = [], 0, samples[0]
    end = samples[-1].seconds
    for column in range(1, width + 1):
        here = []
        while at < len(samples) and samples[at].seconds <= end * column / width:
            here.append(samples[at])
            at += 1
        chosen.append(max(here, key=lambda sample: sample.rss) if here else last)
        last = here[-1] if here else last
    return chosen


def column_colours(sample, top):
    """The colour of each half row, from below."""
    found = [None] * (2 * CHART_ROWS)
    at = 0
    for name in PARTS:
        value = (sample.parts or {}).get(name, 0)
        for level in range(round(at * len(found) / top), round((at + value) * len(found) / top)):
            found[min(level, len(found) - 1)] = COLOURS[name]
        at += value
    found[min(round(sample.rss * len(found) / top), len(found)) - 1] = RSS_COLOUR
    return found


def half_blocks(upper, lower):
    if upper is None and lower is None:
        return Piece(" ")
    if upper == lower:
        return Piece("█", Style(color=upper))
    if upper is None:
        return Piece("▄", Style(color=lower))
    return Piece("▀", Style(color=upper, bgcolor=lower))


def figures_table(sample):
    table = Table.grid(padding=(0, 1))
    table.add_row(Text("■", RSS_COLOUR), "RSS", Text(size(sample.rss), justify="right"))
    for name in PARTS if sample.parts else ():
        table.add_row(Text("■", COLOURS[name]), PART_TITLES[name],
                      Text(size(sample.parts[name]), justify="right"))
    if sample.parts:
        table.add_row(Text("□", RETURNED_COLOUR), PART_TITLES["returned_bytes"],
                      Text(size(sample.returned), justify="right"))
    return table


def segments_table(look):
    table = Table.grid(padding=(0, 2))
    table.add_row(Text("segment", "dim"), "", Text("size", "dim", justify="right"),
                  Text("resident", "dim", justify="right"))
    kinds = by_kind(look.segments) if look else {}
    for kind in KINDS_SHOWN:
        if kind in kinds:
            count, length, resident = kinds[kind]
            table.add_row(KINDS[kind][0], f"{count}", Text(size(length), justify="right"),
                          Text(size(resident), justify="right"))
    return table


def panel(record):
    sample = record.samples[-1]
    beside = Table.grid(padding=(0, 4))
    beside.add_row(figures_table(sample), segments_table(record.last))
    peak = max(each.rss for each in record.samples)
    state = f"tidemalloc {record.release}" if record.release else "no tidemalloc seen yet"
    name = os.path.basename(record.cmd[0])
    head = f"{name} · {sample.seconds:.1f} s · highest RSS {size(peak)} · {state}"
    return Panel(Group(Chart(record.samples), beside), title=Text(head), title_align="left",
                 border_style="dim")


class LiveDisplay:
    """Draws on stdout; relays what the program writes."""

    patience = 0.1

    def __enter__(self):
        self.console = Console()
        self.master, self.output = pty.openpty()
        tty.setraw(self.output)  # what it writes comes as it is
        fcntl.ioctl(self.output, termios.TIOCSWINSZ,
                    fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, b"\0" * 8))
        self.lock, self.waiting = threading.Lock(), b""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.live = Live(console=self.console, auto_refresh=False, transient=True,
                         redirect_stdout=False, redirect_stderr=False)
        self.live.start()
        return self

    def __exit__(self, *_):
        os.close(self.output)  # the reader ends when nobody writes any more
        self.reader.join(timeout=1)
        self.live.stop()
        with self.lock:
            rest, self.waiting = self.waiting, b""
        self.print_lines(rest)
        return False

    def read(self):
        while True:
            try:
                found = os.read(self.master, 1 << 16)
            except OSError:  # the other end is closed
                return
            if not found:
                return
            with self.lock:
                self.waiting += found

    def relay(self):
        """Whole lines go above the chart."""
        with self.lock:
            lines, mark, rest = self.waiting.rpartition(b"\n")
            self.waiting = rest
        if mark:
            self.print_lines(lines + mark)

    def print_lines(self, data):
        """All at once: the chart is drawn again for each call of print()."""
        if not data:
            return
        lines = data.decode("utf-8", "replace").removesuffix("\n").split("\n")
        # Of what overwrote itself the last.
        shown = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines]
        decode = AnsiDecoder().decode_line
        self.console.print(Text("\n").join(map(decode, shown)), soft_wrap=True)

    def show(self, record):
        self.live.update(panel(record), refresh=True)

    def finish(self, record):
        if record.samples:
            self.console.print(panel(record))
        self.console.print(Text(summary(record)[0]))


