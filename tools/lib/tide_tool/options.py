"""The table of settings, as the library itself has it: from its file, or from a running process
with the values that hold there."""
import io
from dataclasses import dataclass

from elftools.common.exceptions import ELFError

from . import kernel
from .errors import Gone, NoLibrary, Own
from .look import TORN
from .memory import FileMemory, ProcessMemory, Unreadable
from .sight import NotReady, find, of_file

ORIGINS = {"ORIGIN_DEFAULT": "default", "ORIGIN_ALIAS": "glibc's variable",
           "ORIGIN_TUNABLE": "GLIBC_TUNABLES", "ORIGIN_TIDE": "environment",
           "ORIGIN_PROGRAM": "program"}
SIZES = (("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10), ("", 1))
TIMES = (("h", 3600000), ("m", 60000), ("s", 1000), ("ms", 1))


@dataclass
class Option:
    """One row of options.def."""

    name: str
    variable: str
    kind: str
    default: str
    range: str
    live: bool
    alias: str
    help: str
    value: str = ""
    origin: str = ""


def in_units(value, units):
    """In the largest unit that leaves no fraction."""
    for unit, factor in units:
        if value % factor == 0 and (value or factor == 1):
            return f"{value // factor}{unit}"
    raise AssertionError(units)


def spell(row, value):
    """A value as the library reads and shows it."""
    kind = row.kind
    if value == 0 and row.zero:
        return row.zero
    if kind == "OPTION_CHOICE" and value < len(row.words):
        return row.words[value]
    if kind == "OPTION_BOOL":
        return "on" if value else "off"
    if kind == "OPTION_PERCENT" or kind == "OPTION_LIMIT" and value <= row.percent_most:
        return f"{value}%"
    if kind == "OPTION_TIME":
        return in_units(value, TIMES)
    if kind == "OPTION_RATE" and value >= row.share:
        return f"1/{value - row.share}"
    sizes = ("OPTION_SIZE", "OPTION_LIMIT", "OPTION_RATE")
    return in_units(value, SIZES) if kind in sizes else str(value)


def spell_range(row):
    """As docs/tuning.md has it."""
    if row.kind == "OPTION_BOOL":
        return "on, off"
    if row.kind == "OPTION_CHOICE":
        return ", ".join(row.words)
    low = max(row.low, 1) if row.zero else row.low
    text = f"{spell(row, low)} to {spell(row, row.high)}"
    if row.kind == "OPTION_LIMIT":
        text += f", 1% to {row.percent_most}%"
    if row.kind == "OPTION_RATE":
        text += f", 1/1 to 1/{row.share_most}"
    return f"{text}, {row.zero}" if row.zero else text


class Row:
    """What a row of the table says of its values."""

    def __init__(self, sight, view, kinds):
        self.kind = kinds.get(view.number("type"), "unknown")  # of a newer library: a number
        self.zero, self.help = view.follow("zero"), view.follow("help")
        self.words = ()
        if self.kind == "OPTION_CHOICE":
            words, _, self.help = self.help.partition(": ")
            self.words = words.split("|")
        self.low, self.high = view.number("min"), view.number("max")
        self.percent_most = 0
        if self.kind == "OPTION_LIMIT":
            self.percent_most = sight.constant("bound.OPTION_PERCENT_MAX")
        self.share = self.share_most = 0
        if self.kind == "OPTION_RATE":
            self.share = sight.constant("bound.OPTION_SHARE")
            self.share_most = sight.constant("bound.OPTION_SHARE_MAX")


def read(sight, running):
    """All options. `running`: with the present values."""
    table = sight.root("options")
    size, first = sight.bytes_of("option_row"), table.number("rows")
    kinds = {value: name[len("option."):] for name, value in sight.constants.items()
             if name.startswith("option.") and name != "option.OPTION_COUNT"}
    origins = {value: ORIGINS.get(name[len("origin."):], name)
               for name, value in sight.constants.items() if name.startswith("origin.")}
    found = []
    for index in range(sight.constant("option.OPTION_COUNT")):
        view = sight.view("option_row", first + index * size)
        row = Row(sight, view, kinds)
        option = Option(view.follow("name"), view.follow("variable"), row.kind,
                        spell(row, view.number("fallback")), spell_range(row),
                        view.number("live") != 0, view.follow("alias") or "", row.help)
        if running:
            value = sight.memory.number(table.number("values") + index * 8, 8)
            option.value = spell(row, value)
            option.origin = origins[sight.memory.number(table.number("origins") + index, 1)]
        found.append(option)
    return found


def of_library(path):
    try:
        with open(path, "rb") as file:
            image = file.read()
    except OSError as error:
        raise Own(f"{path}: {error.strerror.lower()}") from error
    if not image.startswith(b"\x7fELF"):
        raise NoLibrary(f"{path}: no tidemalloc in it")
    try:
        return read(of_file(FileMemory(io.BytesIO(image)), image, path), running=False)
    except (ELFError, NotReady, Unreadable, AttributeError, TypeError, *TORN) as error:
        raise NoLibrary(f"{path}: a damaged library") from error


def of_process(pid):
    kernel.slurp(pid, "maps")
    memory = ProcessMemory(pid)
    try:
        return read(find(memory, kernel.mappings(pid)), running=True)
    except (Unreadable, *TORN) as error:
        raise Gone(f"process {pid}: it changes faster than it can be read") from error
    except (NoLibrary, NotReady) as error:
        raise NoLibrary(f"process {pid} ({kernel.command_name(pid)}): no tidemalloc in it"
                        ) from error
    finally:
        memory.close()


def rows_of(options):
    """The table as texts, head first."""
    running = any(option.value for option in options)
    head = ["variable", "default", "range", "changes", *(["value", "from"] if running else []),
            "help"]
    yield head
    for option in options:
        yield [option.variable, option.default, option.range,
               "any time" if option.live else "at start",
               *([option.value, option.origin] if running else []), option.help]


def lines(options):
    table = list(rows_of(options))
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]) - 1)]
    for row in table:
        cells = [text.ljust(width) for text, width in zip(row, widths)]
        yield "  ".join([*cells, row[-1]])
