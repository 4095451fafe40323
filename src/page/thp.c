// page/thp.c - see thp.h.
#include "page/thp.h"

#include "base/bits.h"
#include "conf/options.h"
#include "os/os.h"

// Larger units (of kernels with pages of 64 KiB) are half a GiB: nobody collapses those.
enum { UNIT_MOST = 32 << 20, UNIT_UNKNOWN = 1 };

// Relaxed, both: the first has one final value, the second is a bound.
static size_t   known_unit = UNIT_UNKNOWN;
static uint32_t marks;  // units apart from their neighbours, unmarked ones included

size_t thp_unit(void) {
    size_t unit = PEEK(&known_unit);
    if (LIKELY(unit != UNIT_UNKNOWN))
        return unit;
    unit = option(OPT_THP) == THP_NEVER ? 0 : os_huge_page_bytes(option(OPT_THP) == THP_ALWAYS);
    if (unit <= UNIT_UNKNOWN || unit > UNIT_MOST)
        unit = 0;
    POKE(&known_unit, unit);
    return unit;
}

void thp_committed(void *address, size_t bytes) {
    if (option(OPT_THP) == THP_NEVER)
        os_avoid_huge_pages(address, bytes);
    else if (option(OPT_THP) == THP_ALWAYS)
        os_prefer_huge_pages(address, bytes);
}

size_t thp_alignment(size_t bytes) {
    if (LIKELY(option(OPT_THP) != THP_ALWAYS))
        return 1;
    size_t unit = thp_unit();
    return unit && bytes >= unit ? unit : 1;
}

// --- marks ---------------------------------------------------------------------------------------

static uintptr_t unit_start(const struct region *region, size_t index) {
    return align_down(region->base, thp_unit()) + index * thp_unit();
}

// The part of a unit that is the region's; the rest is somebody else's memory.
static void advise_unit(struct region *region, size_t index, void (*advise)(void *, size_t)) {
    uintptr_t start = max_size(unit_start(region, index), region->base);
    uintptr_t end = min_size(unit_start(region, index + 1), region->base + region->reserved);
    if (start < end)
        advise((void *)start, end - start);
}

static void mark_all(struct region *region) {
    os_avoid_huge_pages((void *)region->base, region->reserved);
    for (unsigned i = 0; i < ARRAY_COUNT(region->no_huge); i++) {
        POKE(&region->no_huge[i], UINT64_MAX);
        uint64_t before = __atomic_exchange_n(&region->apart[i], UINT64_MAX, __ATOMIC_RELAXED);
        __atomic_fetch_sub(&marks, bits_count(before), __ATOMIC_RELAXED);
    }
    // Marked as one: it counts as one, whatever is unmarked later.
    __atomic_fetch_add(&marks, REGION_UNITS, __ATOMIC_RELAXED);
}

static void mark(struct region *region, size_t index) {
    uint64_t bit = (uint64_t)1 << (index % 64), *word = &region->no_huge[index / 64];
    uint64_t *apart = &region->apart[index / 64];
    if (PEEK(word) & bit)
        return;
    if (PEEK(&marks) >= THP_MARKS_MAX && !(PEEK(apart) & bit)) {
        mark_all(region);
        return;
    }
    if (__atomic_fetch_or(word, bit, __ATOMIC_RELAXED) & bit)
        return;
    if (!(__atomic_fetch_or(apart, bit, __ATOMIC_RELAXED) & bit))
        __atomic_fetch_add(&marks, 1, __ATOMIC_RELAXED);
    advise_unit(region, index, os_avoid_huge_pages);
}

static void unmark(struct region *region, size_t index) {
    uint64_t bit = (uint64_t)1 << (index % 64), *word = &region->no_huge[index / 64];
    if (PEEK(&marks) >= THP_MARKS_MAX)  // it would split what is marked as one
        return;
    if (!(PEEK(word) & bit) || !(__atomic_fetch_and(word, ~bit, __ATOMIC_RELAXED) & bit))
        return;
    advise_unit(region, index, os_prefer_huge_pages);
}

void thp_purged(struct region *region, uintptr_t start, size_t bytes) {
    size_t unit = thp_unit();
    if (LIKELY(unit == 0))
        return;
    uintptr_t origin = align_down(region->base, unit), end = start + bytes;
    for (size_t i = (start - origin) / unit; i <= (end - 1 - origin) / unit; i++) {
        if (i >= REGION_UNITS)
            return;
        bool is_whole = start <= unit_start(region, i) && end >= unit_start(region, i + 1);
        if (is_whole)
            unmark(region, i);
        else
            mark(region, i);
    }
}

void thp_forget(struct region *region, uintptr_t from) {
    size_t unit = PEEK(&known_unit);
    if (unit <= UNIT_UNKNOWN)
        return;
    // A unit that keeps its first part keeps the mark of that.
    size_t first = (align_up(from, unit) - align_down(region->base, unit)) / unit;
    for (size_t i = first; i < REGION_UNITS; i++) {
        uint64_t bit = (uint64_t)1 << (i % 64);
        __atomic_fetch_and(&region->no_huge[i / 64], ~bit, __ATOMIC_RELAXED);
        if (__atomic_fetch_and(&region->apart[i / 64], ~bit, __ATOMIC_RELAXED) & bit)
            __atomic_fetch_sub(&marks, 1, __ATOMIC_RELAXED);
    }
}
