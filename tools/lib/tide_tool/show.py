"""Sizes, tables and JSON of what was found."""
from .figures import PARTS
from .segments import KINDS, by_kind

PART_TITLES = {
    "live_bytes": "live", "cached_bytes": "cached", "slack_bytes": "slack", "free_bytes": "free",
    "huge_cached_bytes": "freed mappings", "metadata_bytes": "metadata",
    "returned_bytes": "returned",
}
# Told apart by all eyes (Okabe and Ito); what the program holds is the calmest.
COLOURS = {"live_bytes": "#0072b2", "cached_bytes": "#56b4e9", "slack_bytes": "#e69f00",
           "free_bytes": "#d55e00", "huge_cached_bytes": "#cc79a7", "metadata_bytes": "#7f7f7f"}
RETURNED_COLOUR = "#009e73"
PART_HELP = {
    "live_bytes": "in blocks the program holds",
    "cached_bytes": "in free blocks held by thread caches",
    "slack_bytes": "in free, once used slots of slabs in use",
    "free_bytes": "in free spans that are still resident",
    "huge_cached_bytes": "in freed mappings kept for reuse",
    "metadata_bytes": "in records, page map and caches",
    "returned_bytes": "mapped, but given back to the kernel: not resident",
}
EACH_MOST = 12   # segments of one kind that are listed one by one
LISTED = ("break", "arena", "huge", "freed")  # the others are summed up
UNITS = ("", "K", "M", "G", "T", "P")


def size(value):
    """1536 -> "1.5K"; "-" for what is not known."""
    if value is None:
        return "-"
    power = 0
    while abs(value) >= 1024 and power < len(UNITS) - 1:
        value, power = value / 1024, power + 1
    return f"{value:.1f}{UNITS[power]}" if power else str(value)


def plural(count, word):
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def heap_resident(kinds):
    return sum(resident for kind, (_, _, resident) in kinds.items() if KINDS[kind][1])


# --- the table of one look -----------------------------------------------------------------------


def head_lines(look):
    totals = look.totals
    return [f"process {look.pid} ({look.name}), tidemalloc {look.release}: "
            f"{plural(totals['arenas'], 'arena')}, "
            f"{plural(totals['threads'], 'thread')} with a cache"]


def parts_lines(look):
    kinds = by_kind(look.segments)
    lines = ["resident, by use"]
    for name in PARTS:
        lines.append(f"  {PART_TITLES[name]:16}{size(look.totals[name]):>9}  {PART_HELP[name]}")
    whole = sum(look.totals[name] for name in PARTS)
    lines.append(f"  {'sum':16}{size(whole):>9}  of the parts above")
    lines.append(f"  {'heap':16}{size(heap_resident(kinds)):>9}  resident in the heap's segments, "
                 "counted by the kernel")
    lines.append(f"  {'RSS':16}{size(look.rss):>9}  of the whole process")
    lines.append("not resident")
    lines.append(f"  {'returned':16}{size(look.totals['returned_bytes']):>9}  "
                 f"{PART_HELP['returned_bytes']}")
    return lines


def uses_text(uses):
    shown = [f"{name} {size(value)}" for name, value in uses.items() if value]
    return ", ".join(shown)


def segment_line(title, segment):
    place = f"{segment.start:012x}-{segment.end:012x}"
    return (f"  {title:16}{place:27}{size(segment.size):>9}{size(segment.resident):>10}  "
            f"{uses_text(segment.uses)}").rstrip()


def sum_line(title, note, length, resident):
    return f"  {title:16}{note:27}{size(length):>9}{size(resident):>10}".rstrip()


def kind_lines(kind, segments, every):
    """One line for the kind, or one for each of its segments."""
    title = KINDS[kind][0]
    here = [segment for segment in segments if segment.kind == kind]
    listed = here if every else here[:EACH_MOST] if kind in LISTED else []
    if listed and len(here) - len(listed) == 1:
        listed = here
    for segment in listed:
        name = title.rstrip("s") if kind in ("huge", "freed") else segment.note or title
        yield segment_line(title if kind == "break" else fit(name), segment)
    rest = here[len(listed):]
    if rest:
        yield sum_line(title, f"{len(rest)} more" if listed else plural(len(rest), "segment"),
                       sum(segment.size for segment in rest),
                       sum(segment.resident or 0 for segment in rest))


def fit(text):
    """The last part of a path, in the width of the column."""
    return text.rsplit("/", 1)[-1][:15]


def segments_lines(look, every=False):
    lines = ["segments" + " " * 37 + "size  resident"]
    for kind in by_kind(look.segments):
        lines += kind_lines(kind, look.segments, every)
    lines.append(sum_line("sum", plural(len(look.segments), "segment"),
                          sum(segment.size for segment in look.segments),
                          sum(segment.resident or 0 for segment in look.segments)))
    return lines


def look_lines(look, every=False):
    return [*head_lines(look), *parts_lines(look), *segments_lines(look, every)]


# --- JSON ----------------------------------------------------------------------------------------


def segment_json(segment):
    found = {"start": hex(segment.start), "end": hex(segment.end), "kind": segment.kind,
             "bytes": segment.size, "resident_bytes": segment.resident}
    if segment.note:
        found["note"] = segment.note
    if segment.uses:
        found["uses"] = {f"{name}_bytes": value for name, value in segment.uses.items()}
    return found


def look_json(look):
    totals = dict(look.totals)
    kinds = by_kind(look.segments)
    return {
        "pid": look.pid, "name": look.name, "tidemalloc": look.release, "rss_bytes": look.rss,
        "heap_resident_bytes": heap_resident(kinds),
        "parts": {name: totals[name] for name in PARTS},
        "returned_bytes": totals["returned_bytes"],
        "arenas": totals.pop("arena_list"),
        "counters": totals,
        "kinds": {kind: {"segments": count, "bytes": length, "resident_bytes": resident}
                  for kind, (count, length, resident) in kinds.items()},
        "segments": [segment_json(segment) for segment in look.segments],
    }
