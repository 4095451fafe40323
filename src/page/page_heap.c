// page/page_heap.c - take, split, join and give back spans. The theory is in page_heap.h.
#include "page/page_heap.h"

#include "os/os.h"
#include "page/thp.h"

enum {
    UNIT_LOOKS = 32,  // spans looked at for a whole unit
    YOUNG_MAX = 64,   // spans passed by in search of older ones
};

static void gauge_move(uint64_t *gauge, size_t *mine, intptr_t bytes) {
    POKE(mine, *mine + (size_t)bytes);
    if (gauge)
        __atomic_fetch_add(gauge, (uint64_t)bytes, __ATOMIC_RELAXED);
}
// What of a free span is not resident counts as clean, whatever the span's state.
static void count_free(struct page_heap *heap, const struct span *span, intptr_t sign) {
    size_t clean = span_bytes(span) - span->resident;
    gauge_move(&heap->gauge->dirty_bytes, &heap->dirty_bytes, sign * (intptr_t)span->resident);
    gauge_move(NULL, &heap->clean_bytes, sign * (intptr_t)clean);
}
// A span in use is `after` bytes long now, 0 = none any more.
static void count_active(struct page_heap *heap, size_t before, size_t after) {
    gauge_move(&heap->gauge->active_bytes, &heap->active_bytes, (intptr_t)(after - before));
    page_gauge_long(heap->gauge, before, after);
}

void page_heap_init(struct page_heap *heap, struct source *source, struct source *fallback,
                    struct page_gauge *gauge) {
    *heap = (struct page_heap){.source = source, .fallback = fallback, .gauge = gauge};
    lock_init(&heap->lock, RANK_PAGE_HEAP);
    list_init(&heap->dirty_lru);
    list_init(&heap->moving);
}

// --- free spans in and out of the trees ----------------------------------------------------------

static void insert_locked(struct page_heap *heap, struct span *span) {
    span_set_kind(span, SPAN_FREE);
    span->node.major = span->granules;
    span->node.minor = span->base;
    tree_insert(&heap->free_spans[span->state], &span->node);
    if (span->state == SPAN_DIRTY)
        list_append(&heap->dirty_lru, &span->lru);
    span_publish_ends(span);
    count_free(heap, span, 1);
    POKE(&heap->free_count, heap->free_count + 1);
}

static void remove_locked(struct page_heap *heap, struct span *span) {
    tree_remove(&heap->free_spans[span->state], &span->node);
    list_remove(&span->lru);
    count_free(heap, span, -1);
    POKE(&heap->free_count, heap->free_count - 1);
    span_set_kind(span, SPAN_MOVING);
}

// The free span of the same region and state that ends at (left) or starts at (right) an address,
// or NULL.
static struct span *free_neighbour(struct span *span, uintptr_t granule) {
    struct region *region = span->region;
    if (granule < region->base || granule >= region_end(region))
        return NULL;
    struct span *other = page_map_known_span(granule);
    return other && span_kind_of(other) == SPAN_FREE ? other : NULL;
}

// The joined span is as old as its larger part.
static void swallow(struct span *span, struct span *other) {
    if (other->granules > span->granules)
        span->freed_step = other->freed_step;
    span->granules += other->granules;
    span->resident += other->resident;
    span_delete(other);
}

// Joins with neighbours of the same state, then inserts. In the list the joined span is the
// youngest: a large free run is the one most likely to be used again.
static void release_locked(struct page_heap *heap, struct span *span) {
    struct span *left = free_neighbour(span, span->base - GRANULE);
    struct span *right = free_neighbour(span, span_end(span));
    if (left && left->state == span->state) {
        remove_locked(heap, left);
        span->base = left->base;
        swallow(span, left);
    }
    if (right && right->state == span->state) {
        remove_locked(heap, right);
        swallow(span, right);
    }
    insert_locked(heap, span);
}

// Cuts [span + granules, end) off as a span of its own that is in no tree; both are published,
// because whoever is released first looks at the other. NULL: no memory, unchanged.
static struct span *split(struct span *span, size_t granules) {
    uintptr_t    base = span->base + granules * GRANULE;
    struct span *rest = span_new(base, span->granules - granules, span->state);
    if (!rest)
        return NULL;
    rest->region = span->region;
    rest->pages = span->pages;
    rest->freed_step = span->freed_step;
    span_set_kind(rest, SPAN_MOVING);
    span->granules = granules;
    // Which part is the resident one is not known; use starts at the front.
    rest->resident = span->resident - min_size(span->resident, span_bytes(span));
    span->resident -= rest->resident;
    span_publish_ends(span);
    span_publish_ends(rest);
    return rest;
}

// --- growth --------------------------------------------------------------------------------------

// The run as if it had not been committed: no span may be missing below a region's end.
static void undo_run(struct source *source, const struct source_run *run) {
    if (source->shrink(source, run->region, run->base) == 0)
        region_commit(run->region, -(intptr_t)(run->granules * GRANULE));
}

static bool grow_from(struct page_heap *heap, struct source *source, size_t granules) {
    if (!source)
        return false;
    struct span      *span = span_new(0, 0, SPAN_CLEAN);
    struct source_run run;
    if (!span || !source->grow(source, granules, &run)) {
        if (span)
            span_delete(span);
        return false;
    }
    if (!page_map_prepare(run.base, run.granules)) {
        undo_run(source, &run);
        span_delete(span);
        return false;
    }
    thp_committed((void *)run.base, run.granules * GRANULE);
    span->base = run.base;
    span->granules = run.granules;
    span->region = run.region;
    span->pages = heap;
    page_map_set_class(run.base, run.granules, CLASS_FREE);
    release_locked(heap, span);
    return true;
}

// An exhausted source comes last: room may have come back that nobody here gave back, as a mapping
// of somebody else below the limit of mappings.
static bool grow_locked(struct page_heap *heap, size_t granules) {
    bool exhausted = heap->source->exhausted;
    return (!exhausted && grow_from(heap, heap->source, granules)) ||
           grow_from(heap, heap->fallback, granules) ||
           (exhausted && grow_from(heap, heap->source, granules));
}

// --- take and give -------------------------------------------------------------------------------

static struct span *best_fit(struct page_heap *heap, size_t granules) {
    struct tree_node *node = tree_at_least(&heap->free_spans[SPAN_DIRTY], granules, 0);
    if (!node)
        node = tree_at_least(&heap->free_spans[SPAN_CLEAN], granules, 0);
    return node ? CONTAINER_OF(node, struct span, node) : NULL;
}

// Frees what lies outside the aligned middle; where there is no record for a piece the span keeps
// it.
static struct span *cut_locked(struct page_heap *heap, struct span *span, size_t granules,
                               size_t align_granules) {
    uintptr_t start = align_up(span->base, align_granules * GRANULE);
    size_t    head = (start - span->base) / GRANULE;
    if (head > 0) {
        struct span *middle = split(span, head);
        release_locked(heap, span);
        if (!middle)
            return NULL;
        span = middle;
    }
    if (span->granules > granules) {
        struct span *tail = split(span, granules);
        if (tail)
            release_locked(heap, tail);
    }
    return span;
}

static struct span *take_locked(struct page_heap *heap, size_t granules, size_t align_granules) {
    size_t need;
    if (!checked_add(granules, align_granules - 1, &need) || need > SIZE_MAX / GRANULE / 2)
        return NULL;
    struct span *span = best_fit(heap, need);
    if (!span) {
        if (!grow_locked(heap, need))
            return NULL;
        span = best_fit(heap, need);
        if (!span)
            return NULL;
    }
    remove_locked(heap, span);
    span = cut_locked(heap, span, granules, align_granules);
    if (!span)
        return NULL;
    page_gauge_taken(heap->gauge, span_bytes(span) - span->resident);
    __atomic_fetch_add(&heap->gauge->reused_bytes, span->resident, __ATOMIC_RELAXED);
    span_publish_ends(span);
    count_active(heap, 0, span_bytes(span));
    page_gauge_note_demand(heap->gauge);
    return span;
}

struct span *page_heap_take(struct page_heap *heap, size_t granules, size_t align_granules) {
    lock_acquire(&heap->lock);
    struct span *span = take_locked(heap, granules, align_granules);
    lock_release(&heap->lock);
    return span;
}

struct span *page_heap_try_take(struct page_heap *heap, size_t granules, bool *busy) {
    *busy = !lock_try(&heap->lock);
    if (*busy)
        return NULL;
    struct span *span = take_locked(heap, granules, 1);
    lock_release(&heap->lock);
    return span;
}

void page_heap_give(struct page_heap *heap, struct span *span, size_t touched, size_t holes) {
    // Before the lock: nobody else may free the block, and a misuse that reads the byte early is
    // told right.
    page_map_set_class(span->base, span->granules, CLASS_FREE);
    lock_acquire(&heap->lock);
    count_active(heap, span_bytes(span), 0);
    span->owner = NULL;
    touched = max_size(align_up(touched, os_page_bytes()), span->resident);
    span->resident = min_size(touched, span_bytes(span)) - holes;
    span->state = SPAN_DIRTY;
    span->freed_step = PEEK(&heap->gauge->step);
    release_locked(heap, span);
    lock_release(&heap->lock);
}

static bool grow_span_locked(struct page_heap *heap, struct span *span, size_t granules) {
    size_t       more = granules - span->granules;
    struct span *right = free_neighbour(span, span_end(span));
    if (!right || right->granules < more)
        return false;
    remove_locked(heap, right);
    if (right->granules > more) {
        struct span *rest = split(right, more);
        if (rest)
            release_locked(heap, rest);
    }
    count_active(heap, span_bytes(span), span_bytes(span) + span_bytes(right));
    page_gauge_note_demand(heap->gauge);
    page_map_set_class(right->base, right->granules, CLASS_INSIDE);
    // Of the whole it is no longer known what is zero.
    if (right->state == SPAN_DIRTY)
        span->state = SPAN_DIRTY;
    if (right->resident > 0)
        span->resident = span_bytes(span) + right->resident;
    span->granules += right->granules;
    span_delete(right);
    page_map_set_span(span_last_granule(span), span);
    return true;
}

bool page_heap_grow(struct page_heap *heap, struct span *span, size_t granules) {
    lock_acquire(&heap->lock);
    bool done = grow_span_locked(heap, span, granules);
    lock_release(&heap->lock);
    return done;
}

bool page_heap_shrink(struct page_heap *heap, struct span *span, size_t granules) {
    lock_acquire(&heap->lock);
    struct span *rest = split(span, granules);
    if (rest) {
        page_map_set_class(rest->base, rest->granules, CLASS_FREE);
        count_active(heap, span_bytes(span) + span_bytes(rest), span_bytes(span));
        rest->state = SPAN_DIRTY;
        rest->freed_step = PEEK(&heap->gauge->step);
        release_locked(heap, rest);
    }
    lock_release(&heap->lock);
    return rest != NULL;
}

// --- giving back ---------------------------------------------------------------------------------

// The oldest; where the kernel would fill what is purged in part, the oldest that holds a whole
// unit, if there is one among the first.
static struct span *next_to_purge(struct page_heap *heap) {
    size_t   unit = thp_unit();
    unsigned looks = unit ? UNIT_LOOKS : 0;
    for (struct list *node = heap->dirty_lru.next; looks-- > 0 && node != &heap->dirty_lru;
         node = node->next) {
        struct span *span = CONTAINER_OF(node, struct span, lru);
        if (align_up(span->base, unit) + unit <= span_end(span))
            return span;
    }
    return CONTAINER_OF(list_first(&heap->dirty_lru), struct span, lru);
}

static size_t detach_locked(struct page_heap *heap, struct span *span, struct list *list) {
    remove_locked(heap, span);
    span_publish_ends(span);
    list_append(list, &span->lru);
    list_append(&heap->moving, &span->owned);
    return span->resident;
}

// One that was purged in part stands behind younger ones.
static size_t detach_old_locked(struct page_heap *heap, size_t bytes, uint32_t age,
                                struct list *list) {
    size_t       detached = 0;
    struct list *node = heap->dirty_lru.next;
    for (unsigned young = 0; detached < bytes && node != &heap->dirty_lru && young < YOUNG_MAX;) {
        struct span *span = CONTAINER_OF(node, struct span, lru);
        node = node->next;
        if (PEEK(&heap->gauge->step) - span->freed_step < age)
            young++;
        else
            detached += detach_locked(heap, span, list);
    }
    return detached;
}

size_t page_heap_detach_dirty(struct page_heap *heap, size_t bytes, uint32_t age,
                              struct list *list) {
    lock_acquire(&heap->lock);
    size_t detached = age > 0 ? detach_old_locked(heap, bytes, age, list) : 0;
    while (age == 0 && detached < bytes && !list_is_empty(&heap->dirty_lru))
        detached += detach_locked(heap, next_to_purge(heap), list);
    lock_release(&heap->lock);
    return detached;
}

static void attach(struct page_heap *heap, struct span *span, bool clean, size_t resident) {
    lock_acquire(&heap->lock);
    list_remove(&span->lru);
    list_remove(&span->owned);
    span->state = clean ? SPAN_CLEAN : SPAN_DIRTY;
    span->resident = resident;
    release_locked(heap, span);
    lock_release(&heap->lock);
}

void page_heap_attach(struct page_heap *heap, struct span *span, bool clean) {
    attach(heap, span, clean, clean ? 0 : span->resident);
}

void page_heap_attach_start(struct page_heap *heap, struct span *span, size_t resident) {
    attach(heap, span, false, resident);
}

void page_heap_repair_in_child(struct page_heap *heap) {
    while (!list_is_empty(&heap->moving)) {
        struct span *span = CONTAINER_OF(list_first(&heap->moving), struct span, owned);
        list_remove(&span->owned);
        list_init(&span->lru);
        span->state = SPAN_DIRTY;
        release_locked(heap, span);
    }
}

// The free span at the end of a region, or NULL. A dirty one only where `dirty_too`: what is about
// to be used again is not given back unasked, what the kernel would not purge (locked pages) on
// request.
static struct span *free_span_at_end(struct region *region, bool dirty_too) {
    if (region->committed == 0)
        return NULL;
    struct span *span = page_map_known_span(region_end(region) - GRANULE);
    bool         is_free = span_kind_of(span) == SPAN_FREE;
    return is_free && (dirty_too || span->state == SPAN_CLEAN) ? span : NULL;
}

// The end of one region of the segment; more than `threshold` free bytes there, `pad` stay.
static size_t shrink_region_locked(struct page_heap *heap, struct source *source,
                                   struct region *region, size_t threshold, size_t pad,
                                   bool dirty_too) {
    struct span *span = source->shrinks ? free_span_at_end(region, dirty_too) : NULL;
    size_t       keep = align_up(pad, GRANULE);
    if (!span || span_bytes(span) < max_size(threshold, GRANULE) || span_bytes(span) <= keep)
        return 0;
    remove_locked(heap, span);
    // The bytes of the map go first: once given back, the range may return as somebody else's
    // mapping.
    uintptr_t from = span->base + keep;
    size_t    granules = span->granules - keep / GRANULE;
    page_map_set_class(from, granules, CLASS_NONE);
    thp_forget(region, from);
    size_t bytes = source->shrink(source, region, from);
    if (bytes > 0) {
        source->exhausted = false;
        span->granules -= granules;
        span->resident = min_size(span->resident, span_bytes(span));
    } else {
        page_map_set_class(from, granules, CLASS_FREE);
    }
    if (span->granules > 0)
        insert_locked(heap, span);
    else
        span_delete(span);
    return bytes;
}

static size_t release_region_locked(struct page_heap *heap, struct source *source,
                                    struct region *region) {
    struct span *span = free_span_at_end(region, true);
    if (!span || span->base != region->base)
        return 0;
    size_t    bytes = region->reserved;
    uintptr_t base = region->base;
    remove_locked(heap, span);
    page_map_set_class(base, span->granules, CLASS_NONE);
    thp_forget(region, base);
    if (!source->release(source, region)) {
        page_map_set_class(base, span->granules, CLASS_FREE);
        insert_locked(heap, span);
        return 0;
    }
    span_delete(span);
    heap->source->exhausted = source->exhausted = false;
    return bytes;
}

static size_t return_source_locked(struct page_heap *heap, struct source *source, size_t threshold,
                                   size_t pad, bool regions) {
    size_t       bytes = 0;
    struct list *node = source ? source->regions.next : NULL;
    while (source && node != &source->regions) {
        struct region *region = CONTAINER_OF(node, struct region, node);
        node = node->next;
        size_t shrunk = shrink_region_locked(heap, source, region, threshold, pad, regions);
        if (shrunk == 0 && regions)
            shrunk = release_region_locked(heap, source, region);
        bytes += shrunk;
    }
    return bytes;
}

size_t page_heap_return(struct page_heap *heap, size_t threshold, size_t pad, bool regions) {
    lock_acquire(&heap->lock);
    size_t bytes = return_source_locked(heap, heap->source, threshold, pad, regions);
    bytes += return_source_locked(heap, heap->fallback, threshold, pad, regions);
    lock_release(&heap->lock);
    return bytes;
}
