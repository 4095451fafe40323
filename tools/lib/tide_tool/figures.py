"""What a process holds, gathered from outside in the words of conf/counters.def.

The sums are those of src/entry/figures.c, heap/bin.c and local/cache.c; tests/tools compares them
with what the library itself reports."""
from .memory import Unreadable
from .sight import chain, ring

# Together they are what the heap holds resident; in the order they are drawn.
PARTS = ("live_bytes", "cached_bytes", "slack_bytes", "free_bytes", "huge_cached_bytes",
         "metadata_bytes")
LEAF_BYTES_TOUCHED = 8192  # as entry/figures.c: of each leaf of the page map
ARENA_FIGURES = ("active_bytes", "dirty_bytes", "clean_bytes")
BATCHES = (("refills", "refills"), ("flushes", "flushes"), ("remote_frees", "merged"),
           ("remote_frees", "pending"))
HEAPS_MAX, CACHES_MAX, REGIONS_MAX, CHUNKS_MAX = 4096, 65536, 65536, 65536


def arenas(sight):
    """(index, view of struct arena) of the arenas in use."""
    table = sight.root("arenas")
    limit = min(table.follow("limit"), sight.constant("arena.ARENAS_MAX"))
    width, first = sight.constant("word.bytes"), table.number("list")
    for index in range(limit):
        address = sight.memory.number(first + index * width, width)
        if address:
            yield index, sight.view("arena", address)


def sources(arena):
    """The sources of an arena's memory; the first one of the main arena is the data segment."""
    pages = arena.inside("pages")
    for name in ("source", "fallback"):
        source = pages.follow(name)
        if source:
            yield source


def regions(source):
    head = source.inside("regions")
    most = min(source.number("region_count") + 8, REGIONS_MAX)
    return ring(head, "region", "node", most)


def user_heaps(sight):
    head = sight.root("user_heaps").follow("heaps")
    return ring(head, "user_heap", "node", HEAPS_MAX)


def cache_seats(sight):
    first = sight.root("caches").follow("all")
    return chain(sight.view("cache_seat", first) if first else None, "next", CACHES_MAX)


class Gatherer:
    """Reads the figures of one process, again and again."""

    def __init__(self, sight):
        self.sight = sight
        self.names = {name[len("counter."):]: index for name, index in sight.constants.items()
                      if name.startswith("counter.")}
        self.small = range(sight.constant("class.SMALL_CLASS_FIRST"),
                           sight.constant("class.SMALL_CLASS_LAST") + 1)
        self.slot_bytes = self.read_classes()

    def read_classes(self):
        sight, size = self.sight, self.sight.bytes_of("size_class")
        offset, width = sight.field("size_class", "bytes")[:2]
        count = sight.constant("class.CLASS_COUNT")
        table = sight.memory.read(sight.root_address("size_classes"), size * count)
        return [int.from_bytes(table[i * size + offset:i * size + offset + width], "little")
                for i in range(count)]

    def gather(self):
        """{name: value} of all counters, and under "arena_list" those of each arena."""
        values = self.sight.root("counters").numbers("value")
        totals = {name: values[index] for name, index in self.names.items()}
        totals["arena_list"] = []
        for index, arena in arenas(self.sight):
            self.add_arena(totals, index, arena)
        for heap in user_heaps(self.sight):
            totals["heaps"] += 1
            self.add_bins(totals, heap)
        self.add_caches(totals)
        self.add_metadata(totals)
        totals["small_bytes"] = max(totals["small_bytes"] - totals["cached_bytes"], 0)
        totals["live_bytes"] = (totals["small_bytes"] + totals["large_bytes"] +
                                totals["huge_bytes"] + totals.get("guarded_bytes", 0))
        return totals

    def add_arena(self, totals, index, arena):
        pages = arena.inside("pages")
        row = {"nr": index, **{name: pages.number(name) for name in ARENA_FIGURES}}
        totals["arenas"] += 1
        totals["free_bytes"] += row["dirty_bytes"]
        totals["returned_bytes"] += row["clean_bytes"]
        for source in sources(arena):
            committed = source.number("committed_bytes")
            totals["mapped_bytes"] += committed
            if source.number("shrinks"):
                totals["break_bytes"] += committed
            else:
                totals["mappings"] += source.number("region_count")
        totals["arena_list"].append(row)
        self.add_bins(totals, arena)

    def add_bins(self, totals, owner):
        columns = zip(*(owner.column("bins", name) for name in
                        ("taken", "touched", "hole_bytes", "slab_count")))
        for name, of in BATCHES:
            totals[name] += sum(owner.column("bins", of)[self.small.start:])
        for index, (taken, touched, holes, slabs) in enumerate(columns):
            if not slabs or index not in self.small:
                continue
            size = self.slot_bytes[index]
            totals["small_bytes"] += taken * size
            totals["slabs"] += slabs
            totals["slack_bytes"] += max((touched - taken) * size - holes, 0)
            totals["returned_bytes"] += holes

    def add_caches(self, totals):
        width, live = self.sight.constant("word.bytes"), self.sight.constant(
            "cache_seat.CACHE_LIVE")
        for seat in cache_seats(self.sight):
            if seat.number("is_clean"):  # its area was given back
                continue
            cache = seat.follow("cache")
            totals["metadata_bytes"] += cache.number("bump") * width
            if seat.number("state") != live:
                continue
            totals["threads"] += 1
            tops = cache.numbers("top")
            rooms, bottoms = cache.column("classes", "room"), cache.column("classes", "bottom")
            for index in self.small:
                held = (tops[index] - cache.address) // width - bottoms[index]
                if 0 < held <= rooms[index]:  # else its owner is changing it at this moment
                    totals["cached_bytes"] += held * self.slot_bytes[index]

    def add_metadata(self, totals):
        sight = self.sight
        leaves = sight.root("page_map_figures").follow("leaf_count")
        granule = 1 << sight.constant("map.GRANULE_SHIFT")
        an_entry = (sight.field("page_leaf", "class_of")[1] +
                    sight.field("page_leaf", "span_of")[1])
        totals["metadata_bytes"] += (sight.root("meta").follow("used_bytes") +
                                     leaves * LEAF_BYTES_TOUCHED +
                                     totals["mapped_bytes"] // granule * an_entry)


def gather_steadily(gatherer, attempts=3):
    """As gather; once more when the process took something away while it was read."""
    while True:
        try:
            return gatherer.gather()
        except Unreadable:
            attempts -= 1
            if not attempts:
                raise


def parts_of(totals):
    return {name: totals[name] for name in PARTS}


def mapped_kinds(totals):
    """Address space by where it comes from, without a look at /proc: what the allocator maps."""
    guarded = totals.get("guarded_bytes", 0)
    huge = totals["mapped_bytes"] - totals["break_bytes"] - arena_bytes(totals) - guarded
    return {"break": totals["break_bytes"], "arena": arena_bytes(totals), "huge": max(huge, 0),
            "guarded": guarded}


def arena_bytes(totals):
    in_arenas = sum(row[name] for row in totals["arena_list"] for name in ARENA_FIGURES)
    return max(in_arenas - totals["break_bytes"], 0)
