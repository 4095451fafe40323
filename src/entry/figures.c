// entry/figures.c - see figures.h. Nothing is stopped: sums of moments.
#include "entry/figures.h"

#include "heap/arena.h"
#include "heap/hardened.h"
#include "heap/huge.h"
#include "heap/user_heap.h"
#include "local/caches.h"
#include "page/meta.h"
#include "page/page_map.h"
#include "page/page_heap_walk.h"

static uint64_t less(uint64_t a, uint64_t b) {
    return a > b ? a - b : 0;
}

// What the page map touches: nine bytes a granule in use, and the first pages of each leaf.
static uint64_t page_map_bytes(const struct counters *totals) {
    return page_map_leaves() * KIB(8) +
           totals->value[COUNTER_mapped_bytes] / GRANULE * (sizeof(class_id) + sizeof(void *));
}

static void gather(struct counters *totals) {
    uint64_t *value = totals->value;
    arena_count(totals);
    user_heap_count(totals);
    caches_count(totals);
    hardened_count(totals);
    value[COUNTER_metadata_bytes] += meta_bytes() + page_map_bytes(totals);
    value[COUNTER_small_bytes] = less(value[COUNTER_small_bytes], value[COUNTER_cached_bytes]);
    value[COUNTER_live_bytes] = value[COUNTER_small_bytes] + value[COUNTER_large_bytes] +
                                value[COUNTER_huge_bytes] + value[COUNTER_guarded_bytes];
}

static bool whole_blocks(enum counter_id blocks, uint64_t cached, struct report_class *row) {
    row->live = PEEK(&counters_process.value[blocks]);
    row->cached = cached;
    return row->live + row->cached > 0;
}

static bool class_at(class_id id, struct report_class *row) {
    if (id == CLASS_LARGE)
        return whole_blocks(COUNTER_large_blocks, 0, row);
    if (id == CLASS_HUGE)
        return whole_blocks(COUNTER_huge_blocks, huge_cached_count(), row);
    if (id == CLASS_HEAP_SLAB)
        return user_heap_slots(&row->live, &row->slabs);
    if (!class_is_small(id))
        return false;
    for (unsigned i = 0; i < arena_limit(); i++) {
        const struct arena *arena = arena_at(i);
        row->live += arena ? PEEK(&arena->bins[id].taken) : 0;
        row->slabs += arena ? PEEK(&arena->bins[id].slab_count) : 0;
    }
    row->cached = caches_slots(id) + hardened_slots(id);
    row->live = less(row->live, row->cached);
    return row->slabs > 0;
}

static bool arena_row(unsigned index, struct report_arena *row) {
    if (index >= arena_limit())
        return false;
    struct arena *arena = arena_at(index);
    if (!arena)
        return true;
    row->active_bytes = PEEK(&arena->pages.active_bytes);
    row->dirty_bytes = PEEK(&arena->pages.dirty_bytes);
    row->clean_bytes = PEEK(&arena->pages.clean_bytes);
    row->free_spans = PEEK(&arena->pages.free_count);
    row->mapped_bytes = row->active_bytes + row->dirty_bytes + row->clean_bytes;
    row->top_bytes = index == 0 ? page_heap_top_bytes(&arena->pages) : 0;
    return true;
}

const struct report_source figures_source = {
    .gather = gather, .class_at = class_at, .arena_at = arena_row};
