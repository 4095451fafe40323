#!/usr/bin/env python3
"""The measurable part of STYLE.md, for every source file of the tree.

  all sources          lines of at most 100 columns, no tabs, no blanks at the end of a line
  C files and headers  at most 450 lines, functions of at most 60, first line `// path - what it is`
  src/                 no platform #if outside src/os; headers have #pragma once
  C                    none of the words that stand where work is missing
In tests/misuse the first line is the message expected. tests/programs/input/ holds data for other
programs and is not looked at.

usage: style.py [--root DIR]
Exit status: 0 clean, 1 with a list of findings, one a line, file:line: what.
"""
import argparse
import os
import re
import sys

COLUMNS, FILE_LINES, FUNCTION_LINES = 100, 450, 60
SKIPPED_FOLDERS = {".git", "build", "__pycache__"}
MISUSE = "tests/misuse/"
DATA = os.path.join("tests", "programs", "input")
ENDINGS = (".c", ".h", ".cc", ".def", ".py", ".sh", ".cmake", "CMakeLists.txt")
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]) + r")\b")
PLATFORM = re.compile(
    r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b.*\b__(?:linux|GLIBC|x86_64|aarch64|musl)__")
OPENING = re.compile(r"^(?!\s|#|//|/\*|\}|typedef\b|struct \w+ \{|enum \w* ?\{|union \w+ \{)")


def sources(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        if os.path.relpath(folder, root) == DATA:
            folders.clear()
            continue
        for name in sorted(names):
            path = os.path.join(folder, name)
            if name.endswith(ENDINGS) or is_script(path, name):
                yield os.path.relpath(path, root)


def is_script(path, name):
    if "." in name or not os.path.isfile(path):
        return False
    with open(path, "rb") as head:
        return head.read(2) == b"#!"


def functions(lines):
    """(name, first line, last line) of each function: a top-level head with a parameter list, whose
    body opens at the end of a line and closes in the first column. Macros are not looked at."""
    head_at, head = None, ""
    opened = None
    for number, line in enumerate(lines, 1):
        if opened is not None:
            if line.startswith("}"):
                yield opened, head_at, number
                opened, head_at, head = None, None, ""
            continue
        if head_at is None:
            if not OPENING.match(line) or line.endswith("\\"):
                continue
            head_at, head = number, ""
        head += " " + line.split("//")[0].rstrip()
        if head.endswith("{") and "(" in head and "=" not in head.split("{")[0]:
            opened = function_name(head)
        elif head.endswith((";", "}", "{")) or not line.strip():
            head_at, head = None, ""


def function_name(head):
    bare = re.sub(r"__attribute__\s*\(\(.*?\)\)\)?", "", head)
    match = re.search(r"(\w+)\s*\(", bare)
    return match.group(1) if match else head.strip()


def has_head(path, lines):
    """The path as an #include spells it, or in full."""
    names = [path.split("/", 1)[-1]] + ([] if path.startswith("src/") else [path])
    return bool(lines) and any(lines[0].startswith(f"// {name} - ") for name in names)


def check_lines(path, lines):
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS:
            yield number, f"{len(line)} columns, more than {COLUMNS}"
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
        if "\t" in line:
            yield number, "a tab"


def check_c(path, lines):
    if len(lines) > FILE_LINES:
        yield len(lines), f"{len(lines)} lines, more than {FILE_LINES}"
    if not path.startswith(MISUSE) and not has_head(path, lines):
        yield 1, f"the first line is not `// {path.split('/', 1)[-1]} - what it is`"
    for name, first, last in functions(lines):
        if last - first + 1 > FUNCTION_LINES:
            yield first, f"{name} has {last - first + 1} lines, more than {FUNCTION_LINES}"
    for number, line in enumerate(lines, 1):
        if UNFINISHED.search(line):
            yield number, "a word that stands where work is missing"
        if path.startswith("src/") and not path.startswith("src/os/") and PLATFORM.match(line):
            yield number, "#if on the platform outside src/os"
    if path.startswith("src/") and path.endswith(".h") and "#pragma once" not in lines:
        yield 1, "a header without #pragma once"


def main():
    parser = argparse.ArgumentParser(description="the measurable part of STYLE.md")
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
    root = parser.parse_args().root
    files, found = 0, 0
    for path in sources(root):
        with open(os.path.join(root, path), encoding="utf-8") as text:
            lines = text.read().split("\n")
        if lines and not lines[-1]:
            lines.pop()
        findings = list(check_lines(path, lines))
        if path.endswith((".c", ".h")):
            findings += check_c(path, lines)
        for number, what in sorted(findings):
            print(f"{path}:{number}: {what}")
        files, found = files + 1, found + len(findings)
    print(f"style: {files} files, {found} findings")
    if not files:
        print("style: no source found, that cannot be right")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
