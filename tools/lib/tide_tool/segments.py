"""The address space of a process, piece by piece: what each belongs to, how much is resident.

The kernel joins neighbouring mappings and may not keep their names, so the names come from the
library's own tables: regions of arenas, chunks of metadata, leaves of the page map, the pool of
guarded blocks, and of the other private mappings the page map's bytes, which tell huge blocks and
freed ones. What is the heap's and out of reach is guard pages, whatever surrounds it."""
import os
import re
from dataclasses import dataclass, field

from . import kernel
from .figures import CHUNKS_MAX, arenas, regions, sources
from .memory import PAGE_BYTES, Unreadable
from .sight import chain

# kind: (title, does it belong to the heap); in the order of the tables.
KINDS = {
    "break": ("program break", True),
    "arena": ("arena", True),
    "huge": ("huge blocks", True),
    "freed": ("freed mappings", True),
    "guarded": ("guarded blocks", True),
    "metadata": ("metadata", True),
    "page map": ("page map", True),
    "reserved": ("reserved", True),
    "guard": ("guard pages", True),
    "program": ("program", False),
    "library": ("libraries", False),
    "file": ("files", False),
    "stack": ("stacks", False),
    "kernel": ("of the kernel", False),
    "other": ("not ours", False),
}
GUARD_MOST = 1 << 16   # below a stack; pthread_attr_setguardsize may ask for more
MOST_BYTES = 1 << 47  # of one structure; more is a torn figure
FENCED = ("break", "arena", "huge", "freed", "guarded")  # kinds of which parts may be out of reach
RETIRED_MOST = 1 << 30  # of a mapping out of reach that may hold freed blocks; more is a
                        # reservation of somebody's


@dataclass
class Segment:
    """A piece of one mapping."""

    start: int
    end: int
    kind: str
    note: str = ""               # "arena 1", a path
    resident: int = None         # None: the kernel does not tell
    uses: dict = field(default_factory=dict)  # of an arena's piece: bytes in slabs, large, free

    @property
    def size(self):
        return self.end - self.start


class Surveyor:
    """Names the address space of the process that a Sight belongs to."""

    def __init__(self, pid, sight):
        self.pid, self.sight = pid, sight
        constant = sight.constant
        self.granule = 1 << constant("map.GRANULE_SHIFT")
        self.leaf_shift = constant("map.PAGE_LEAF_SHIFT")
        self.huge, self.freed = constant("class.CLASS_HUGE"), constant("class.CLASS_FREE")
        self.inside = constant("class.CLASS_INSIDE")
        self.heads = re.compile(b"[" + re.escape(bytes([self.huge, self.freed])) + b"]")

    # --- what the library knows ------------------------------------------------------------------

    def region_pieces(self):
        for index, arena in arenas(self.sight):
            for source in sources(arena):
                is_break = source.number("shrinks") != 0
                for region in regions(source):
                    base = region.number("base")
                    used, whole = region.number("committed"), region.number("reserved")
                    kind = "break" if is_break else "arena"
                    note = f"arena {index}"
                    yield Segment(base, base + used, kind, note, uses=self.uses(base, used))
                    if not is_break:
                        yield Segment(base + used, base + whole, "reserved", note)

    def meta_pieces(self):
        ahead = self.sight.root("meta").follow("next")
        base = ahead.number("base")
        if base:
            end = base + ahead.number("bytes") + 2 * PAGE_BYTES
            yield Segment(base, end, "reserved", "metadata")
        first = self.sight.root("meta").follow("chunks")
        view = self.sight.view("meta_chunk", first) if first else None
        for chunk in chain(view, "next", CHUNKS_MAX):
            start, end = chunk.address, chunk.address + chunk.number("bytes")
            yield Segment(start - PAGE_BYTES, start, "guard")
            yield Segment(start, end, "metadata")
            yield Segment(end, end + PAGE_BYTES, "guard")

    def leaf_of(self, address):
        """The address of the page map's leaf for an address; 0: none."""
        index = address >> self.leaf_shift
        if index >= self.sight.constant("map.PAGE_ROOT_ENTRIES"):
            return 0
        width = self.sight.constant("word.bytes")
        place = self.sight.root_address("page_map")
        distance = self.sight.memory.number(
            place + self.sight.field("page_map", "leaf_at")[0] + index * width, width)
        if not distance:
            return 0
        nothing = place + self.sight.field("page_map", "nothing")[0]
        return (nothing + distance) & ((1 << 8 * width) - 1)

    def leaf_pieces(self, mappings):
        windows = {at >> self.leaf_shift for mapping in mappings if mapping.is_private_data
                   for at in (mapping.start, mapping.end - 1)}
        for window in windows:
            leaf = self.leaf_of(window << self.leaf_shift)
            if leaf:
                bytes_ = self.sight.bytes_of("page_leaf")
                yield Segment(leaf, leaf + round_up(bytes_, PAGE_BYTES), "page map")

    def classes(self, start, end):
        """The class bytes of a range of whole granules; zeros where the page map has nothing."""
        found, leaf_bytes = b"", 1 << self.leaf_shift
        while start < end:
            stop = min(end, (start & -leaf_bytes) + leaf_bytes)
            count, leaf = (stop - start) // self.granule, self.leaf_of(start)
            at = leaf + self.sight.field("page_leaf", "class_of")[0]
            at += start % leaf_bytes // self.granule
            found += self.sight.memory.read(at, count) if leaf else bytes(count)
            start = stop
        return found

    def uses(self, base, count):
        """Bytes of a region in slabs, large blocks and free spans."""
        classes = self.classes(base, base + count)
        large = classes.count(self.sight.constant("class.CLASS_LARGE")) + \
            classes.count(self.inside)
        free = classes.count(self.freed)
        slabs = len(classes) - large - free - classes.count(0)
        return {name: number * self.granule for name, number in
                (("slabs", slabs), ("large", large), ("free", free))}

    def pool_pieces(self):
        pool = self.sight.root("guarded_pool")
        yield Segment(pool.number("base"), pool.number("base") + pool.number("bytes"), "guarded")

    def block_pieces(self, mappings, known):
        """Huge blocks and freed ones in what nothing else is known of, and what guards them."""
        done = 0
        for mapping in mappings:
            if not may_hold_blocks(mapping):
                continue
            for start, end in gaps(mapping, known):
                for piece in self.blocks_in(max(start, done), end):
                    done = max(done, piece.end)
                    yield piece

    def blocks_in(self, start, end):
        """Those that begin in a range; the last may end behind it."""
        first, last = round_up(start, self.granule), round_up(end, self.granule)
        if first >= last:
            return
        classes, done = self.classes(first, last), first
        for head in self.heads.finditer(classes):
            base = first + head.start() * self.granule
            if base < done:
                continue  # a later granule of a freed mapping
            count, before, after = self.span_at(base)
            count = count or self.run_granules(classes, head.start())
            done = base + count * self.granule
            kind = "huge" if classes[head.start()] == self.huge else "freed"
            yield Segment(base - before * self.granule, base, "guard")
            yield Segment(base, done, kind)
            yield Segment(done, done + after * self.granule, "guard")

    def span_at(self, base):
        """Granules of the span that starts at `base`, and out of reach before and behind it; zeros:
        it does not look like one."""
        index = base % (1 << self.leaf_shift) // self.granule
        offset, width = self.sight.field("page_leaf", "span_of")[:2]
        address = self.sight.memory.number(self.leaf_of(base) + offset + index * width, width)
        try:
            span = self.sight.view("span", address)
        except Unreadable:
            return 0, 0, 0
        count = span.number("granules")
        if span.number("base") != base or count >= MOST_BYTES // self.granule:
            return 0, 0, 0
        return count, span.number("guard_before"), span.number("guard_after")

    def run_granules(self, classes, at):
        """As far as the bytes tell."""
        follows = self.inside if classes[at] == self.huge else self.freed
        end = at + 1
        while end < len(classes) and classes[end] == follows:
            end += 1
        return end - at

    # --- the whole -------------------------------------------------------------------------------

    def survey(self):
        """All segments, in order of addresses."""
        mappings = kernel.mappings(self.pid, resident=True)
        known = in_order([*self.region_pieces(), *self.meta_pieces(), *self.pool_pieces(),
                          *self.leaf_pieces(mappings)])
        known = in_order([*known, *self.block_pieces(mappings, known)])
        others = Others(self.pid, mappings, {piece.end for piece in known})
        found = []
        for mapping in mappings:
            pieces = list(self.cut(mapping, known, others))
            share_resident(self.pid, mapping, pieces)
            found += pieces
        return found

    def cut(self, mapping, known, others):
        at = mapping.start
        for piece in known:
            if piece.end <= at or piece.start >= mapping.end:
                continue
            if at < piece.start:
                yield others.segment(mapping, at, piece.start)
            start, at = max(at, piece.start), min(piece.end, mapping.end)
            yield self.part(mapping, piece, start, at)
        if at < mapping.end:
            yield others.segment(mapping, at, mapping.end)

    def part(self, mapping, piece, start, end):
        if piece.kind in FENCED and mapping.is_out_of_reach:
            return Segment(start, end, "guard", piece.note)
        uses = piece.uses
        if uses and (start, end) != (piece.start, piece.end):
            first, last = round_up(start, self.granule), round_up(end, self.granule)
            uses = self.uses(first, last - first)
        return Segment(start, end, piece.kind, piece.note, uses=uses)


def in_order(pieces):
    return sorted((piece for piece in pieces if piece.size > 0), key=lambda piece: piece.start)


def may_hold_blocks(mapping):
    return mapping.is_private_data or (mapping.is_anonymous and mapping.is_out_of_reach and
                                       mapping.size <= RETIRED_MOST)


def gaps(mapping, known):
    """The parts of a mapping that no piece covers."""
    at = mapping.start
    for piece in known:
        if piece.end <= at or piece.start >= mapping.end:
            continue
        if at < piece.start:
            yield at, piece.start
        at = piece.end
    if at < mapping.end:
        yield at, mapping.end


class Others:
    """Names for what is not the allocator's."""

    def __init__(self, pid, mappings, ends_of_ours):
        self.program = read_link(f"/proc/{pid}/exe")
        self.stacks = kernel.stack_pointers(pid)
        self.before = {}      # zero pages of a program or library follow its data in the file
        self.guarded = set()  # a thread's stack stands on a guard page
        for last, mapping in zip(mappings, mappings[1:]):
            if last.end != mapping.start or not mapping.is_anonymous:
                continue
            path = last.path if last.inode else self.before.get(last.start)
            if path and mapping.is_readable and (last.inode or last.access != mapping.access):
                self.before[mapping.start] = path  # also behind pages of it that are sealed
            elif (mapping.is_private_data and last.is_anonymous and last.is_out_of_reach and
                  last.size <= GUARD_MOST and last.end not in ends_of_ours):
                self.guarded.add(mapping.start)

    def segment(self, mapping, start, end):
        kind, note = self.name(mapping)
        return Segment(start, end, kind, note)

    def name(self, mapping):
        path = mapping.path or self.before.get(mapping.start, "")
        if path == "[heap]":
            return "other", "data segment outside our regions"
        if path == "[stack]" or any(mapping.start <= at < mapping.end for at in self.stacks):
            return "stack", path
        if path.startswith("[anon:") or not path:
            return "stack" if mapping.start in self.guarded else "other", path
        if path.startswith("["):
            return "kernel", path
        if path == self.program:
            return "program", path
        if re.search(r"\.so(\.|$)", path):
            return "library", path
        return "file", path


def share_resident(pid, mapping, pieces):
    """A mapping's resident bytes go to its pieces by the pages that are there. Pages of zeros are
    there without being resident: then the sum, which is the kernel's, is shared."""
    if len(pieces) == 1:
        pieces[0].resident = mapping.resident
        return
    present = [kernel.present_bytes(pid, piece.start, piece.end) for piece in pieces]
    if None in present:
        return
    whole = sum(present)
    for piece, count in zip(pieces, present):
        piece.resident = count if whole <= mapping.resident else count * mapping.resident // whole


def by_kind(segments):
    """{kind: (segments, size, resident)} of the kinds that are there, in the order of KINDS."""
    found = {}
    for kind in KINDS:
        here = [segment for segment in segments if segment.kind == kind]
        if here:
            found[kind] = (len(here), sum(segment.size for segment in here),
                           sum(segment.resident or 0 for segment in here))
    return found


def round_up(value, unit):
    return (value + unit - 1) // unit * unit


def read_link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""
