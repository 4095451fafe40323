#!/usr/bin/env python3
"""Compares the tables of docs/tuning.md with src/conf/options.def and counters.def.

    options_doc.py             exit 1 and show the difference when a table is out of date
    options_doc.py --update    rewrite the tables between their markers

The markers are HTML comments, "<!-- options -->" to "<!-- end of options -->", and the same with
"counters"; everything outside them is written by hand. Values are shown as the library shows them.
"""
import argparse
import ast
import difflib
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPTION_FIELDS = ("name NAME type default min max zero live alias tunable mallopt help").split()
COUNTER_FIELDS = "name kind unit help".split()
MALLOPT_NAMES = {-1: "M_TRIM_THRESHOLD", -2: "M_TOP_PAD", -3: "M_MMAP_THRESHOLD",
                 -6: "M_PERTURB", -8: "M_ARENA_MAX"}
KIND_WORDS = {"LEVEL": "level", "TOTAL": "total", "PEAK": "peak"}
TIME_UNITS = ((3600000, "h"), (60000, "m"), (1000, "s"))


class Refused(Exception):
    """The table or the document is not what this script can read."""


def strip_comments(text):
    return "\n".join(line for line in text.splitlines() if not line.startswith("//"))


def arguments(text, start):
    """The arguments of the call whose '(' stands at `start`, and the index behind its ')'."""
    fields, field, depth, quoted = [], "", 0, False
    for at in range(start, len(text)):
        char = text[at]
        if char == '"' and text[at - 1] != "\\":
            quoted = not quoted
        if not quoted:
            depth += (char == "(") - (char == ")")
            if (char == "," and depth == 1) or depth == 0:
                fields.append(field.strip())
                field = ""
                if depth == 0:
                    return fields, at + 1
                continue
            if char == "(" and depth == 1:
                continue
        field += char
    raise Refused("a row is not closed")


def rows(text, macro, names):
    """One dict a row MACRO(...) of a .def file, fields as written."""
    text = strip_comments(text)
    found, at = [], 0
    while (match := re.compile(rf"\b{macro}\(").search(text, at)):
        fields, at = arguments(text, match.end() - 1)
        if len(fields) != len(names):
            raise Refused(f"{macro}({fields[0]}, ...): {len(fields)} fields, not {len(names)}")
        found.append(dict(zip(names, fields)))
    if not found:
        raise Refused(f"no row {macro}(...)")
    return found


def string(field):
    """A C string literal (or several, side by side) as text; None for NULL."""
    if field == "NULL":
        return None
    return "".join(ast.literal_eval(part) for part in re.findall(r'"(?:[^"\\]|\\.)*"', field))


def number(field):
    match = re.fullmatch(r"(?:([KMG])IB\()?(-?\d+)\)?", field)
    if not match:
        raise Refused(f"{field!r} is not a number")
    return int(match[2]) * {None: 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[match[1]]


def show_size(value):
    for unit in ("", "K", "M", "G", "T"):
        if unit == "T" or value < 1024 or value % 1024:
            return f"{value}{unit}"
        value //= 1024


def show_time(value):
    for factor, unit in TIME_UNITS:
        if value and value % factor == 0:
            return f"{value // factor}{unit}"
    return f"{value}ms"


def show(row, value):
    zero = string(row["zero"])
    if value == 0 and zero:
        return zero
    words = string(row["help"]).split(":")[0].split("|")
    return {"COUNT": str, "SIZE": show_size, "TIME": show_time, "PERCENT": lambda v: f"{v}%",
            "LIMIT": show_size, "RATE": show_size,
            "BOOL": lambda v: ("off", "on")[v],
            "CHOICE": lambda v: words[v]}[row["type"]](value)


def allowed(row):
    if row["type"] == "BOOL":
        return "on, off"
    if row["type"] == "CHOICE":
        return ", ".join(show(row, value) for value in range(number(row["max"]) + 1))
    low, zero = number(row["min"]), string(row["zero"])
    if zero:
        low = max(low, 1)
    text = f"{show(row, low)} to {show(row, number(row['max']))}"
    if row["type"] == "LIMIT":
        text += ", 1% to 100%"
    if row["type"] == "RATE":
        text += ", 1/1 to 1/1000000"
    return f"{text}, {zero}" if zero else text


def aliases(row):
    names = [string(row["alias"]), string(row["tunable"])]
    if row["mallopt"] != "NO_MALLOPT":
        names.append(MALLOPT_NAMES[number(row["mallopt"])])
    return ", ".join(f"`{name}`" for name in names if name)


def meaning(row):
    text = string(row["help"])
    return text.split(": ", 1)[1] if row["type"] == "CHOICE" else text


def table(head, lines):
    cells = [head, ["---"] * len(head)] + lines
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n"
                   for line in cells)


def options_table(text):
    head = ["variable", "default", "values", "at run time", "meaning", "glibc's names"]
    return table(head, [
        [f"`TIDE_{row['NAME']}`", show(row, number(row["default"])), allowed(row),
         {"true": "yes", "false": "no"}[row["live"]], meaning(row), aliases(row)]
        for row in rows(text, "OPTION", OPTION_FIELDS)])


def counters_table(text):
    return table(["figure", "unit", "kind", "what is counted"], [
        [f"`{row['name']}`", row["unit"], KIND_WORDS[row["kind"]], string(row["help"])]
        for row in rows(text, "COUNTER", COUNTER_FIELDS)])


def replaced(document, name, content):
    """`document` with what stands between the markers of `name` replaced by `content`."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if len(pattern.findall(document)) != 1:
        raise Refused(f"the markers of '{name}' are not there exactly once")
    return pattern.sub(lambda match: match[1] + content + match[2], document)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="rewrite the tables")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="root of the checkout")
    args = parser.parse_args()
    path = args.root / "docs/tuning.md"
    try:
        old = path.read_text()
        new = replaced(old, "options",
                       options_table((args.root / "src/conf/options.def").read_text()))
        new = replaced(new, "counters",
                       counters_table((args.root / "src/conf/counters.def").read_text()))
    except (Refused, KeyError, OSError) as problem:
        print(f"options_doc: {problem}", file=sys.stderr)
        return 1
    if new == old:
        return 0
    if args.update:
        path.write_text(new)
        return 0
    sys.stdout.writelines(difflib.unified_diff(
        old.splitlines(True), new.splitlines(True), "docs/tuning.md", "from the tables"))
    print("options_doc: docs/tuning.md is out of date: run tools/order/options_doc.py --update",
          file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
