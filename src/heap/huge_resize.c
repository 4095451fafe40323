// heap/huge_resize.c - blocks of their own that grow, shrink and move. See huge.h.
#include "conf/counters.h"
#include "heap/fence.h"
#include "heap/huge.h"
#include "os/os.h"
#include "page/limit.h"

// --- resizing ------------------------------------------------------------------------------------

static void set_length(struct span *span, size_t granules) {
    counters_add(&counters_process, COUNTER_mapped_bytes, (granules - span->granules) * GRANULE);
    if (granules > span->granules)
        counters_add(&counters_process, COUNTER_remaps, 1);
    span->granules = granules;
    span->resident = min_size(span->resident, span_bytes(span));
}

// Cuts the mapping's tail; the map's bytes go first, because the range may come back as somebody
// else's mapping.
static void shrink_mapping(struct span *span, size_t granules) {
    uintptr_t tail = span->base + granules * GRANULE;
    size_t    count = span->granules - granules;
    page_map_set_class(tail, count, CLASS_NONE);
    if (os_resize((void *)span->base, span_bytes(span), granules * GRANULE) != 0) {
        page_map_set_class(tail, count, CLASS_INSIDE);
        return;
    }
    set_length(span, granules);
    page_map_set_span(span_last_granule(span), span);
}

static bool grow_mapping(struct span *span, size_t granules) {
    size_t before = span_bytes(span);
    if (os_resize((void *)span->base, before, granules * GRANULE) != 0)
        return false;
    if (!page_map_prepare(span->base, granules)) {
        os_resize((void *)span->base, granules * GRANULE, before);
        return false;
    }
    set_length(span, granules);
    span_publish_block(span, page_map_class(span->base));  // claimed or not
    return true;
}

// What a block gets that grows: the steps after this one ask nobody.
static size_t with_room(size_t granules) {
    return granules + granules / 8;
}

static bool grow(struct span *span, size_t bytes) {
    size_t granules = bytes_to_granules(bytes);
    if (span->guard_before > 0)
        return fence_grow(span, bytes);
    return granules <= span->granules || grow_mapping(span, with_room(granules)) ||
           grow_mapping(span, granules);
}

static bool resize(struct span *span, size_t bytes) {
    size_t granules = bytes_to_granules(bytes);
    if (!grow(span, bytes))
        return false;
    huge_count(span, -1);
    // A mapping between fences stays whole: what the block does not use may be there for another.
    if (span->guard_before == 0 && granules < span->granules - span->granules / 4)
        shrink_mapping(span, granules);
    huge_set_bytes(span, bytes);
    return true;
}

// What a block of this size takes into use when it grows.
static size_t growth(const struct span *span, size_t bytes) {
    return bytes > span->bytes ? bytes - span->bytes : 0;
}

bool huge_resize(struct span *span, size_t bytes) {
    size_t more = growth(span, bytes);
    if (!limit_reserve(more))
        return false;
    bool done = resize(span, bytes);
    limit_release(more);
    return done;
}

static bool prepare_target(void *target, size_t bytes) {
    return page_map_prepare((uintptr_t)target, bytes / GRANULE);
}

static bool move_mapping(struct span *span, size_t granules) {
    uintptr_t old = span->base;
    class_id  first = page_map_class(old);  // claimed or not
    page_map_set_class(old, span->granules, CLASS_NONE);
    void *memory = os_move((void *)old, span_bytes(span), granules * GRANULE, GRANULE, HUGE_NAME,
                           prepare_target);
    if (memory) {
        span->base = (uintptr_t)memory;
        set_length(span, granules);
    }
    span_publish_block(span, first);
    return memory != NULL;
}

static bool resize_or_move(struct span *span, size_t bytes) {
    size_t granules = bytes_to_granules(bytes);
    if (resize(span, bytes))
        return true;
    if (!move_mapping(span, with_room(granules)) && !move_mapping(span, granules))
        return false;
    resize(span, bytes);
    return true;
}

void *huge_move(struct span *span, size_t bytes) {
    size_t more = growth(span, bytes);
    if (!limit_reserve(more))
        return NULL;
    bool done = resize_or_move(span, bytes);
    limit_release(more);
    return done ? (void *)span->base : NULL;
}
