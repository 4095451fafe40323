"""The mutants of tests/mutants: reading, applying, and their table in docs/reliability.md.

A file is a table: its first line is the title. A mutant starts with "== NAME", has fields,

  claim   what the project says that it does
  breaks  what is broken for once
  tests   those that have to fail, each of them
  build   the preset, where it is not release
  seconds after which a test that hangs has failed (60); or later, where it takes long as it is

and changes, each "in FILE" and lines as of a diff without line numbers: " " stays, "-" goes, "+"
comes. What stays and goes has to stand at exactly one place of the file, indented as it may be;
what comes keeps its indentation, which Python asks for.
A mutant without changes is one that its tests bring along: they break a model of their own.
"""
import dataclasses
import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOC = "docs/reliability.md"
BEGIN, END = "<!-- mutants -->\n", "<!-- end of mutants -->\n"
FIELDS = ("claim", "breaks", "tests", "build", "seconds")


class Refused(Exception):
    """A mutant that cannot be read or applied, or a table that is not theirs."""


@dataclasses.dataclass
class Change:
    file: str
    before: list = dataclasses.field(default_factory=list)  # lines without their indentation
    after: list = dataclasses.field(default_factory=list)   # with it


@dataclasses.dataclass
class Mutant:
    name: str
    claim: str = ""
    breaks: str = ""
    tests: list = dataclasses.field(default_factory=list)
    build: str = "release"
    seconds: int = 60
    changes: list = dataclasses.field(default_factory=list)


def set_field(mutant, line):
    word, _, value = line.partition(" ")
    if word == "in":
        mutant.changes.append(Change(value.strip()))
    elif word in FIELDS and not mutant.changes:
        setattr(mutant, word, {"tests": str.split, "seconds": int}.get(word, str)(value.strip()))
    else:
        raise Refused(f"{mutant.name}: what is {line!r}?")


def add_line(mutant, line):
    if not mutant.changes:
        raise Refused(f"{mutant.name}: a change of no file: {line!r}")
    change, text = mutant.changes[-1], line[1:].rstrip()
    if line[0] in " -":
        change.before.append(text.strip())
    if line[0] in " +":
        change.after.append(text)


def read(path):
    """The title and the mutants of a file."""
    title, *lines = path.read_text(encoding="utf-8").splitlines()
    mutants = []
    for line in lines:
        if line.startswith("== "):
            mutants.append(Mutant(line[3:].strip()))
        elif line and line[0] in " +-" and mutants:
            add_line(mutants[-1], line)
        elif line and line[0] != "#":
            if not mutants:
                raise Refused(f"{path.name}: {line!r} belongs to no mutant")
            set_field(mutants[-1], line)
    for mutant in mutants:
        if not (mutant.claim and mutant.breaks and mutant.tests):
            raise Refused(f"{mutant.name}: claim, breaks and tests are what a mutant has")
    return title, mutants


def read_all(root):
    """[(title, mutants)] of all files, in the order of their names."""
    tables = [read(path) for path in sorted((root / "tests/mutants").glob("*.txt"))]
    names = [mutant.name for _, mutants in tables for mutant in mutants]
    for name in names:
        if names.count(name) > 1:
            raise Refused(f"{name}: two mutants have this name")
    return tables


def changed(mutant, change, text):
    """The text of the file with the change made."""
    lines = text.split("\n")
    bare, count = [line.strip() for line in lines], len(change.before)
    places = [at for at in range(len(bare) - count + 1) if bare[at:at + count] == change.before]
    if count == 0 or len(places) != 1:
        raise Refused(f"{mutant.name}: does not apply: {change.file} has its lines "
                      f"{len(places) if count else 'not'} times")
    at = places[0]
    if [line.strip() for line in change.after] == change.before:
        raise Refused(f"{mutant.name}: changes nothing in {change.file}")
    return "\n".join(lines[:at] + change.after + lines[at + count:])


def broken(mutant, root):
    """{file: its text as the mutant has it}."""
    texts = {}
    for change in mutant.changes:
        path = root / change.file
        if change.file not in texts:
            if not path.is_file():
                raise Refused(f"{mutant.name}: does not apply: no {change.file}")
            texts[change.file] = path.read_text(encoding="utf-8")
        texts[change.file] = changed(mutant, change, texts[change.file])
    return texts


def table(tables):
    """The text between the marks of the document."""
    text = ""
    for title, mutants in tables:
        text += f"\n### {title}\n\n| line | broken on purpose | failed then |\n"
        text += "| --- | --- | --- |\n"
        for mutant in mutants:
            tests = ", ".join(mutant.tests)
            text += f"| {mutant.claim} | {mutant.breaks} (`{mutant.name}`) | {tests} |\n"
    return text + "\n"


def document(root, tables):
    """The document as it is, and with the table as it should be."""
    text = (root / DOC).read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise Refused(f"{DOC}: the marks {BEGIN.strip()} and {END.strip()} are not there once each")
    head, rest = text.split(BEGIN)
    return text, head + BEGIN + table(tables) + END + rest.split(END)[1]


def check_names(mutants, folder):
    """The tests are those of the build in `folder`."""
    told = subprocess.run(["ctest", "--test-dir", folder, "--show-only=json-v1"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    names = {test["name"] for test in json.loads(told)["tests"]}
    for mutant in mutants:
        for name in mutant.tests:
            if name not in names:
                raise Refused(f"{mutant.name}: there is no test {name}")


def check(root, folder=None):
    """The number of mutants; raises what is wrong with the first that is."""
    tables = read_all(root)
    all_mutants = [mutant for _, mutants in tables for mutant in mutants]
    for mutant in all_mutants:
        broken(mutant, root)
    if folder:
        check_names(all_mutants, folder)
    text, right = document(root, tables)
    if text != right:
        raise Refused(f"{DOC}: the table of mutants is old: ./tools/mutants --update")
    return len(all_mutants)


def update(root):
    (root / DOC).write_text(document(root, read_all(root))[1], encoding="utf-8")
