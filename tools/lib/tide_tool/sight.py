"""The library's description of itself (src/entry/inspect.h), and views of its structures by name.

The numbers below are those of the description's own head and rows; every other offset and size
comes from the process that is looked at."""
import io
import struct

from elftools.common.exceptions import ELFParseError
from elftools.common.utils import struct_parse
from elftools.elf.structs import ELFStructs

from .errors import Gone, NoLibrary, Unknown
from .memory import Unreadable

OWNER, MAGIC, VERSION = b"tidemalloc", b"tidemalloc sight", 1
HEAD = struct.Struct("<16sIIQ16s" + "QII" * 3)
FIELD = struct.Struct("<20s24s20sIIII")
CONSTANT = struct.Struct("<40sQ")
ROOT = struct.Struct("<20s20sQ")
HEAD_OF_FILE_BYTES = 1 << 16  # the program headers lie in there
ROWS_MAX = 4096
WORDS = {1: "B", 2: "H", 4: "I", 8: "Q"}


class NotReady(Exception):
    """The loader has not come to the library yet."""


def round_up(value, unit):
    return (value + unit - 1) // unit * unit


def name_of(raw):
    return raw.split(b"\0")[0].decode("ascii", "replace")


def segments_of(image):
    """The program headers of an ELF image of which only the head is there, and its structs."""
    shapes = ELFStructs(little_endian=image[5:6] == b"\1",
                        elfclass=32 if image[4:5] == b"\1" else 64)
    shapes.create_basic_structs()
    shapes.create_advanced_structs()
    stream = io.BytesIO(image)
    head = struct_parse(shapes.Elf_Ehdr, stream, 0)
    return shapes, [struct_parse(shapes.Elf_Phdr, stream,
                                 head["e_phoff"] + i * head["e_phentsize"])
                    for i in range(head["e_phnum"])]


def notes_of(image, shapes):
    """(owner, offset of the descriptor) of each note of a segment's content."""
    at = 0
    while at < len(image):
        note = struct_parse(shapes.Elf_Nhdr, io.BytesIO(image), at)
        at += shapes.Elf_Nhdr.sizeof()
        owner = image[at:at + note["n_namesz"]].rstrip(b"\0")
        at += round_up(note["n_namesz"], 4)
        yield owner, at
        at += round_up(note["n_descsz"], 4)


def note_places(head, read):
    """The distance of the description from the start of the image, for each note of ours in it.
    `read(distance, count)` reads the image."""
    try:
        shapes, segments = segments_of(head)
        (base,) = [row["p_vaddr"] - row["p_offset"] for row in segments
                   if row["p_type"] == "PT_LOAD"][:1]
        for row in segments:
            if row["p_type"] != "PT_NOTE":
                continue
            start = row["p_vaddr"] - base
            image = read(start, row["p_filesz"])
            for owner, at in notes_of(image, shapes):
                if owner == OWNER:
                    (distance,) = struct.unpack_from("<i", image, at)
                    yield start + at + distance
    except (ELFParseError, struct.error, ValueError, Unreadable):  # no loader would take it
        return


def find(memory, mappings):
    """The Sight of the tidemalloc in a process. Of several, the one that is in use."""
    ready, waiting = [], None
    for mapping in mappings:
        if mapping.inode == 0 or mapping.offset != 0 or not mapping.access.startswith("r"):
            continue
        try:
            count = min(mapping.end - mapping.start, HEAD_OF_FILE_BYTES)
            image = memory.read(mapping.start, count)
        except Unreadable:
            continue
        if not image.startswith(b"\x7fELF"):
            continue
        for place in note_places(image, lambda distance, size, start=mapping.start:
                                 memory.read(start + distance, size)):
            try:
                ready.append(Sight(memory, mapping.start + place, mapping.path))
            except NotReady as reason:
                waiting = reason
    if ready:
        return max(ready, key=lambda sight: sight.is_started())
    if waiting:
        raise waiting
    raise NoLibrary("no tidemalloc in it")


def of_file(memory, image, path):
    """The Sight of a library that nobody runs."""
    for place in note_places(image[:HEAD_OF_FILE_BYTES], memory.read):
        return Sight(memory, place, path)
    raise NoLibrary(f"{path}: no tidemalloc in it")


class Sight:
    """The description at `address`; views of what it names."""

    def __init__(self, memory, address, path):
        self.memory, self.address, self.path = memory, address, path
        try:
            head = HEAD.unpack(memory.read(address, HEAD.size))
        except Unreadable as error:
            raise NotReady from error
        magic, self.version, tables, itself, release = head[:5]
        if magic != MAGIC:
            raise Unknown(f"{path}: a damaged description of tidemalloc")
        if itself != address:
            raise NotReady
        self.release = name_of(release)
        if self.version != VERSION or tables != 3:
            raise Unknown(f"{path}: tidemalloc {self.release} describes itself by version "
                          f"{self.version}; this tide knows version {VERSION}")
        self.read_tables(head[5:])

    def read_tables(self, places):
        self.fields, self.sizes = {}, {}
        for of, name, target, offset, size, count, pointer in self.rows(FIELD, *places[:3]):
            if not name_of(name):
                self.sizes[name_of(of)] = size
                continue
            self.fields[name_of(of), name_of(name)] = (offset, size, count, name_of(target),
                                                       pointer == 1)
        self.constants = {name_of(name): value
                          for name, value in self.rows(CONSTANT, *places[3:6])}
        self.roots = {name_of(name): (name_of(target), address)
                      for name, target, address in self.rows(ROOT, *places[6:9])}

    def rows(self, shape, address, count, size):
        if size < shape.size or count > ROWS_MAX:
            raise Unknown(f"{self.path}: a damaged description of tidemalloc")
        data = self.memory.read(address, count * size)
        return [shape.unpack_from(data, i * size) for i in range(count)]

    def missing(self, name):
        return Unknown(f"{self.path}: tidemalloc {self.release} has no {name}, which this tide "
                       "asks for")

    def constant(self, name):
        if name not in self.constants:
            raise self.missing(name)
        return self.constants[name]

    def field(self, of, name):
        if (of, name) not in self.fields:
            raise self.missing(f"{of}.{name}")
        return self.fields[of, name]

    def bytes_of(self, of):
        if of not in self.sizes:
            raise self.missing(of)
        return self.sizes[of]

    def root(self, name):
        if name not in self.roots:
            raise self.missing(name)
        return self.view(*self.roots[name])

    def root_address(self, name):
        if name not in self.roots:
            raise self.missing(name)
        return self.roots[name][1]

    def view(self, of, address):
        return View(self, of, address, self.memory.read(address, self.bytes_of(of)), 0)

    def is_started(self):
        return self.root("arenas").follow("list") != 0

    def is_still_there(self):
        try:
            return self.memory.read(self.address, len(MAGIC)) == MAGIC
        except (Unreadable, Gone):  # after an exec this memory is nobody's any more
            return False


class View:
    """A struct as it was when it was read."""

    def __init__(self, sight, of, address, data, at):
        self.sight, self.of, self.address, self.data, self.at = sight, of, address, data, at

    def number(self, name):
        offset, size, _, _, _ = self.sight.field(self.of, name)
        at = self.at + offset
        return int.from_bytes(self.data[at:at + size], "little")

    def numbers(self, name):
        offset, size, count, _, _ = self.sight.field(self.of, name)
        return self.words(self.at + offset, size, count, size)

    def column(self, name, inner):
        """Field `inner` of every struct of the array `name`."""
        offset, size, count, target, _ = self.sight.field(self.of, name)
        inner_offset, width, _, _, _ = self.sight.field(target, inner)
        return self.words(self.at + offset + inner_offset, width, count, size)

    def words(self, start, width, count, stride):
        if start % width or stride % width:  # not as a compiler lays structs out
            raise self.sight.missing(f"alignment in {self.of}")
        end = len(self.data) - len(self.data) % width
        words = memoryview(self.data)[:end].cast(WORDS[width])
        return words[start // width::stride // width][:count].tolist()

    def inside(self, name):
        offset, _, _, target, _ = self.sight.field(self.of, name)
        return View(self.sight, target, self.address + offset, self.data, self.at + offset)

    def place(self, name):
        """The address of a field."""
        return self.address + self.sight.field(self.of, name)[0]

    def follow(self, name):
        """What a pointer points to: a number, a text, an address, or the view of a struct; None
        where it points nowhere."""
        target = self.sight.field(self.of, name)[3]
        address = self.number(name)
        if not address:
            return None
        memory = self.sight.memory
        if target == "text":
            return memory.text(address)
        if target == "pointer":
            return memory.number(address, self.sight.constant("word.bytes"))
        if target.startswith("number"):
            return memory.number(address, int(target[6:]) // 8)
        return self.sight.view(target, address)


def chain(first, name, most):
    """The structs of a chain of pointers, at most `most`: it may be changing."""
    seen = set()
    while first is not None and len(seen) < most and first.address not in seen:
        seen.add(first.address)
        yield first
        first = first.follow(name)


def ring(head, of, node, most):
    """The structs of a list that has `head` as its sentinel: those that are found there before it
    is back at its head, at most `most`."""
    sight, offset = head.sight, head.sight.field(of, node)[0]
    at = head.number("next")
    for _ in range(most):
        if at in (0, head.address):
            return
        try:
            view = sight.view(of, at - offset)
        except Unreadable:
            return
        yield view
        at = view.inside(node).number("next")
