#!/usr/bin/env python3
"""The order of the house: src/ obeys the list of floors and modules in src/README.md.

The list names the floors, bottom first, and in each floor its modules in order, each with what it
may include and call (`<- a, b`). This script compares the list with

  - the files that exist: each stands in the list, each listed file exists;
  - every #include: the own header, or a module of the `<-` list;
  - every undefined symbol of every object file (--objects): the module that defines it stands
    before the user, and it or the interface header declaring the symbol is in the `<-` list (of
    the user, or of the header whose inline function brought the symbol in);
  - what comes from outside: floors other than os take C's freestanding headers and string
    functions, and otherwise only the system headers their `<-` list names as <header.h>;
  - the list itself: a `<-` entry stands before its user (so there is no circle); and it is used,
    which only the debug build can tell of calls (--complete): others leave the checkers out.

Free for everyone: base/base.h; above the floor conf also conf/options.h.

usage: floors.py [--root DIR] [--objects FILE [--complete]] [--nm NM] [--suggest]
  --objects FILE  one path of an object file a line, ending in src/FLOOR/NAME.c.o
  --complete      these objects are of the debug build: entries that nothing uses are errors
  --suggest       print for each module the `<-` list that its code has, and nothing else
Exit status: 0 clean, 1 violations (each one line, file:line: what), 2 the list cannot be read.
"""
import argparse
import os
import re
import subprocess
import sys

FREE_HEADERS = {
    "float.h", "inttypes.h", "iso646.h", "limits.h", "stdalign.h", "stdarg.h", "stdatomic.h",
    "stdbool.h", "stddef.h", "stdint.h", "stdnoreturn.h", "string.h",
}
FREE_SYMBOLS = {
    "memchr", "memcmp", "memcpy", "memmove", "memset", "strchr", "strcmp", "strlen", "strncmp",
}
# What compilers add on their own: runtime helpers, stack protector, instrumentation.
COMPILER_SYMBOLS = re.compile(
    r"_GLOBAL_OFFSET_TABLE_|__stack_chk_\w+|__aarch64_\w+|_Unwind_Resume|__gcc_personality_v0"
    r"|__(asan|tsan|ubsan|sanitizer|gcov|llvm)_\w+"
    r"|__(mul|div|mod|udiv|umod|popcount|clz|ctz)[sdt]i\d")
EVERYBODYS = "base"       # base/base.h: attributes and arithmetic
SETTINGS = "options"      # conf/options.h: for any floor above the one it stands on
SYSTEM_FLOOR = "os"       # the only floor with system headers and calls of libc
TOP_FLOOR = "entry"       # may include the public header and use weak references
PUBLIC_HEADER = "tidemalloc.h"

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
FLOOR_LINE = re.compile(r"^(\w+)/\s+\S")
MODULE_LINE = re.compile(r"^  (\S+)\s+(.*?)\s+<- (.*)$")


class Malformed(Exception):
    """The list in src/README.md cannot be understood."""


class Module:
    def __init__(self, key, floor, place, files, uses, line):
        self.key = key        # name in `<-` lists: stem, or the whole name of a .def
        self.floor = floor    # name of its folder
        self.place = place    # position in the whole list, bottom first
        self.files = files    # paths relative to src/
        self.uses = uses      # keys and <headers> of its `<-` list
        self.line = line      # in README.md

    def is_header_only(self):
        return all(name.endswith(".h") for name in self.files)


def read_list(path):
    """The floors (names in order) and the modules (by key, in order) of the list."""
    floors, modules = [], {}
    in_block = False
    with open(path, encoding="utf-8") as text:
        for number, line in enumerate(text, 1):
            line = line.rstrip("\n")
            if line.startswith("```"):
                in_block = not in_block
                continue
            if not in_block or not line.strip():
                continue
            where = f"{path}:{number}"
            floor = FLOOR_LINE.match(line)
            if floor:
                floors.append(floor.group(1))
                continue
            row = MODULE_LINE.match(line)
            if not row or not floors:
                raise Malformed(f"{where}: neither a floor nor a module with '<-': {line.strip()}")
            module = read_row(row, floors[-1], len(modules), number)
            if module.key in modules:
                raise Malformed(f"{where}: module {module.key} is listed twice")
            modules[module.key] = module
    if not modules:
        raise Malformed(f"{path}: no list of floors found")
    return floors, modules


def read_row(row, floor, place, number):
    name, _, uses = row.groups()
    grouped = re.fullmatch(r"(\w+)\.\{([\w,]+)\}", name)
    if grouped:
        files = [f"{grouped.group(1)}.{ending}" for ending in grouped.group(2).split(",")]
    else:
        files = [name]
    key = name if name.endswith(".def") else files[0].rsplit(".", 1)[0]
    wanted = [] if uses.strip() == "nothing" else [use.strip() for use in uses.split(",")]
    return Module(key, floor, place, [f"{floor}/{file}" for file in files], wanted, number)


class Check:
    def __init__(self, root, nm):
        self.root = root
        self.nm = nm
        self.source = os.path.join(root, "src")
        self.readme = os.path.join(self.source, "README.md")
        self.floors, self.modules = read_list(self.readme)
        self.owner = {file: m for m in self.modules.values() for file in m.files}
        self.violations = []
        self.used = {key: set() for key in self.modules}  # key -> keys and <headers> it really uses
        self.texts = {}

    # --- helpers

    def say(self, path, line, what):
        self.violations.append(f"{os.path.relpath(path, self.root)}:{line}: {what}")

    def lines(self, file):
        if file not in self.texts:
            with open(os.path.join(self.source, file), encoding="utf-8") as text:
                self.texts[file] = text.read().split("\n")
        return self.texts[file]

    def is_free(self, user, used):
        """Needs no place in the `<-` list (the order holds all the same)."""
        if used.key == EVERYBODYS:
            return True
        return used.key == SETTINGS and \
            self.floors.index(user.floor) > self.floors.index(used.floor)

    def may_use(self, user, used):
        return used.key in user.uses or self.is_free(user, used)

    def blame(self, user, used):
        """Why `user` must not use `used`, or None."""
        if used.place > user.place:
            if used.floor == user.floor:
                return f"{used.key} stands after {user.key} on the floor {user.floor}"
            return f"{used.floor} is above {user.floor}"
        if not self.may_use(user, used):
            return f"{used.key} is not in the '<-' list of {user.key}"
        return None

    # --- the parts

    def check_list(self):
        for module in self.modules.values():
            for use in module.uses:
                if use.startswith("<") and use.endswith(">"):
                    continue
                used = self.modules.get(use)
                if used is None:
                    self.say(self.readme, module.line, f"{module.key} <- {use}: no such module")
                elif used.place >= module.place:
                    self.say(self.readme, module.line,
                             f"{module.key} <- {use}: {use} does not stand before it")

    def check_files(self):
        found = set()
        for folder, _, names in os.walk(self.source):
            for name in names:
                if name.endswith((".c", ".h", ".def")):
                    found.add(os.path.relpath(os.path.join(folder, name), self.source))
        for file in sorted(found - set(self.owner)):
            self.say(os.path.join(self.source, file), 1, "is not in the list of src/README.md")
        for file in sorted(set(self.owner) - found):
            self.say(self.readme, self.owner[file].line, f"{file} is listed but does not exist")
        return sorted(found & set(self.owner))

    def check_includes(self, files):
        for file in files:
            for number, line in enumerate(self.lines(file), 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                what = self.blame_include(self.owner[file], *match.groups())
                if what:
                    self.say(os.path.join(self.source, file), number,
                             f"includes {match.group(1) or match.group(2)}: {what}")

    def blame_include(self, user, own, system):
        if own is None and system != PUBLIC_HEADER:
            if system in FREE_HEADERS or user.floor == SYSTEM_FLOOR:
                return None
            self.used[user.key].add(f"<{system}>")
            if f"<{system}>" in user.uses:
                return None
            return f"a system header outside {SYSTEM_FLOOR}, not named by the '<-' list " \
                f"of {user.key}"
        if own is None or own == PUBLIC_HEADER:
            return None if user.floor == TOP_FLOOR else f"the public header is for {TOP_FLOOR} only"
        used = self.owner.get(own)
        if used is None:
            return "no module of the list (names start with the floor)"
        if used is user:
            return None
        self.used[user.key].add(used.key)
        return self.blame(user, used)

    def check_symbols(self, objects, files):
        defined, wanted = {}, []
        seen = set()
        for path in objects:
            match = re.search(r"(?:^|/)src/((?:\w+)/[\w.]+\.c)\.(?:o|obj)$", path)
            if not match or match.group(1) not in self.owner:
                continue  # a file that is in no list was reported by check_files
            file = match.group(1)
            seen.add(file)
            for name, kind in read_symbols(self.nm, path):
                if kind in "Uwv":
                    wanted.append((file, name, kind))
                elif kind in "iu" or (kind.isupper() and kind != "N"):
                    defined[name] = self.owner[file]
        for file in files:
            if file.endswith(".c") and file not in seen:
                self.say(os.path.join(self.source, file), 1, "no object file to check was given")
        for file, name, kind in wanted:
            what = self.blame_symbol(self.owner[file], name, kind, defined.get(name))
            if what:
                self.say(os.path.join(self.source, file), self.line_of(file, name) or 1,
                         f"uses {name}: {what}")
        return len(wanted)

    def blame_symbol(self, user, name, kind, used):
        if used is user:
            return None
        if used is None:
            return self.blame_outsider(user, name, kind)
        if used.place < user.place and not any(self.line_of(file, name) for file in user.files):
            return None  # by an inline function of a header: that header's module answers for it
        if used.place < user.place:
            used = self.interface(used, name) or used
            if used is user:
                return None
        self.used[user.key].add(used.key)
        return self.blame(user, used)

    def interface(self, used, name):
        """The header of its own, in the `<-` list of `used`, that declares what it implements."""
        for key in used.uses:
            face = self.modules.get(key)
            if face and face.is_header_only():
                declared = re.compile(r"\b" + re.escape(name) + r"\b")
                if any(declared.search(line) for line in self.lines(face.files[0])):
                    return face
        return None

    def blame_outsider(self, user, name, kind):
        if name in FREE_SYMBOLS or COMPILER_SYMBOLS.fullmatch(name) or user.floor == SYSTEM_FLOOR:
            return None
        if any(use.startswith("<") for use in user.uses):
            return None
        if kind in "wv" and user.floor == TOP_FLOOR:
            return None
        return f"not defined in src/, and {user.key} names no system header in its '<-' list"

    def line_of(self, file, name):
        """The first line that names it, None when the file does not."""
        word = re.compile(r"\b" + re.escape(name) + r"\b")
        for number, line in enumerate(self.lines(file), 1):
            if word.search(line) and not line.lstrip().startswith(("//", "*", "/*")):
                return number
        return None

    def check_unused(self, with_symbols):
        for module in self.modules.values():
            for use in module.uses:
                used = self.modules.get(use)
                if use in self.used[module.key] or (used and self.is_free(module, used)):
                    continue
                if used and not with_symbols:
                    continue  # a call needs no include: only all the object files can tell
                self.say(self.readme, module.line, f"{module.key} <- {use}: never used")

    def suggest(self):
        for module in self.modules.values():
            keys = [k for k in self.used[module.key]
                    if k in self.modules and not self.is_free(module, self.modules[k])]
            keys.sort(key=lambda k: self.modules[k].place)
            keys += sorted(k for k in self.used[module.key] if k.startswith("<"))
            print(f"{module.floor}/{module.key} <- {', '.join(keys) or 'base'}")


def read_symbols(nm, path):
    """(name, type letter) of every symbol of an object file."""
    answer = subprocess.run([nm, "-P", path], capture_output=True, text=True, check=True)
    for line in answer.stdout.splitlines():
        parts = line.split()
        if len(parts) >= 2 and len(parts[1]) == 1:
            yield parts[0], parts[1]


def main():
    parser = argparse.ArgumentParser(description="compare src/ with the list in src/README.md")
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
    parser.add_argument("--objects", help="file that lists the object files")
    parser.add_argument("--complete", action="store_true")
    parser.add_argument("--nm", default="nm")
    parser.add_argument("--suggest", action="store_true")
    args = parser.parse_args()
    try:
        check = Check(os.path.abspath(args.root), args.nm)
    except (Malformed, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2
    check.check_list()
    files = check.check_files()
    check.check_includes(files)
    symbols = 0
    if args.objects:
        with open(args.objects, encoding="utf-8") as text:
            objects = [line for line in re.split(r"[;\n]", text.read()) if line]
        symbols = check.check_symbols(objects, files)
    if args.suggest:
        check.suggest()
        return 0
    check.check_unused(with_symbols=bool(args.objects) and args.complete)
    for violation in check.violations:
        print(violation)
    print(f"floors: {len(check.floors)} floors, {len(check.modules)} modules, {len(files)} files, "
          f"{symbols} references, {len(check.violations)} violations")
    return 1 if check.violations else 0


if __name__ == "__main__":
    sys.exit(main())
