// page/source.h - where runs of granules come from: one interface, a small file for each kind.
//
//   source_brk   the data segment, grown and shrunk by sbrk      main arena
//   source_map   regions reserved PROT_NONE, committed in steps  other arenas; main arena after
//                                                                brk refused
//
// A region is a contiguous piece of address space of one page heap; runs of different regions never
// join. A source is driven under the lock of its page heap and has no lock of its own.
#pragma once
#include "base/list.h"
#include "page/meta.h"

enum { REGION_UNITS = 1024 };  // huge pages of a region that can be marked: 2 GiB of 2 MiB each

struct region {
    struct meta_link link;
    struct list      node;       // in its source's list
    struct source   *source;
    uintptr_t        base;       // granule aligned
    size_t           committed;  // bytes usable from base; whole granules
    size_t           reserved;   // bytes of address space from base
    uint64_t         no_huge[REGION_UNITS / 64];  // page/thp.h: units marked; atomic
    uint64_t         apart[REGION_UNITS / 64];    // units that were ever marked; atomic
};

struct source_run {  // fresh granules, zero, at the end of a region's committed part
    struct region *region;
    uintptr_t      base;
    size_t         granules;
};

struct source {
    // Commits at least `granules` more granules. False: no memory (nothing changed).
    bool (*grow)(struct source *source, size_t granules, struct source_run *run);
    // Gives the end of a region's committed part back, from `from` on (granule aligned, clean).
    // Returns the bytes that are no longer ours: 0 when it is not possible (the break was moved by
    // others) or not useful.
    size_t (*shrink)(struct source *source, struct region *region, uintptr_t from);
    // Gives a whole region back; its record is then gone. False: not possible; the region stays as
    // it is.
    bool (*release)(struct source *source, struct region *region);
    bool        shrinks;  // shrink may give something back
    struct list regions;
    size_t      committed_bytes;  // of all regions; read by anybody
    size_t      region_count;     // read by anybody
    bool        exhausted;  // true: ask the fallback first; false again when memory went back
};

ALWAYS_INLINE uintptr_t region_end(const struct region *region) {
    return region->base + region->committed;
}

// In source.c: records of regions.
// Adds (or, negative, takes away) committed bytes of a region and of its source.
void           region_commit(struct region *region, intptr_t bytes);
struct region *region_new(struct source *source, uintptr_t base, size_t reserved);
void           region_delete(struct region *region);

struct source_brk {
    struct source  source;
    struct region *top;       // the region that ends at our break, or NULL
    size_t         step;      // least bytes of the next growth; each growth adds half of it
    bool           has_begun; // had a region
};
void source_brk_init(struct source_brk *brk);

struct source_map {
    struct source  source;
    struct region *growing;       // the region that still has a reserved tail, or NULL
    size_t         region_bytes;  // of the next reservation
};
void source_map_init(struct source_map *map);
