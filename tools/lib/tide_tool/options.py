"""The table of settings, as the library itself has it: from its file, or from a running process
with the values that hold there."""
import io
from dataclasses import dataclass

from . import kernel
from .errors import NoLibrary, Own
from .memory import FileMemory, ProcessMemory
from .sight import NotReady, find, of_file

ORIGINS = {"ORIGIN_DEFAULT": "default", "ORIGIN_ALIAS": "glibc's variable",
           "ORIGIN_TUNABLE": "GLIBC_TUNABLES", "ORIGIN_TIDE": "environment",
           "ORIGIN_PROGRAM": "program"}
POWERS = (("T", 40), ("G", 30), ("M", 20), ("K", 10))


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


def spell(kind, zero, value, words=()):
    """A value as the library reads and shows it."""
    if value == 0 and zero:
        return zero
    if kind == "OPTION_CHOICE":
        return words[value] if value < len(words) else str(value)
    if kind == "OPTION_BOOL":
        return "on" if value else "off"
    if kind == "OPTION_PERCENT":
        return f"{value}%"
    if kind == "OPTION_TIME":
        return f"{value // 1000}s" if value % 1000 == 0 else f"{value}ms"
    if kind == "OPTION_SIZE":
        for unit, shift in POWERS:
            if value and value % (1 << shift) == 0:
                return f"{value >> shift}{unit}"
    return str(value)


def spell_range(kind, zero, row, words):
    low, high = row.number("min"), row.number("max")
    if kind in ("OPTION_BOOL", "OPTION_CHOICE"):
        return "|".join(spell(kind, zero, value, words) for value in range(low, high + 1))
    first = spell(kind, None, 1 if low == 0 and zero else low)
    last = spell(kind, None, high)
    return f"{zero} or {first}..{last}" if low == 0 and zero else f"{first}..{last}"


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
        row = sight.view("option_row", first + index * size)
        kind, zero, text = kinds[row.number("type")], row.follow("zero"), row.follow("help")
        words = text.split(":")[0].split("|") if kind == "OPTION_CHOICE" else ()
        option = Option(row.follow("name"), row.follow("variable"), kind,
                        spell(kind, zero, row.number("fallback"), words),
                        spell_range(kind, zero, row, words), row.number("live") != 0,
                        row.follow("alias") or "", text)
        if running:
            value = sight.memory.number(table.number("values") + index * 8, 8)
            option.value = spell(kind, zero, value, words)
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
    return read(of_file(FileMemory(io.BytesIO(image)), image, path), running=False)


def of_process(pid):
    kernel.slurp(pid, "maps")
    memory = ProcessMemory(pid)
    try:
        return read(find(memory, kernel.mappings(pid)), running=True)
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
