// heap/large.c - see large.h.
#include "heap/large.h"

#include "conf/counters.h"
#include "os/os.h"
#include "page/limit.h"
#include "page/thp.h"

// The figures of a block of this size, before (sign -1) and after (1) it changes.
static void count_block(const struct span *span, int sign) {
    counters_add(&counters_process, COUNTER_large_bytes, (uint64_t)sign * span->bytes);
    counters_add(&counters_process, COUNTER_slack_bytes, (uint64_t)sign * span_slack(span));
    counters_add(&counters_process, COUNTER_large_blocks, (uint64_t)sign);
}

static void set_bytes(struct span *span, size_t bytes) {
    span->bytes = align_up(bytes, os_page_bytes());
    span->resident = max_size(span->resident, span->bytes);
    count_block(span, 1);
}

// What an earlier holder left resident behind the block's end goes where the limits are close.
static void give_slack(struct span *span, size_t bytes) {
    size_t used = align_up(bytes, os_page_bytes());
    if (span->resident <= used || !limit_is_close())
        return;
    if (os_purge((void *)(span->base + used), span->resident - used) != 0)
        return;
    thp_purged(span->region, span->base + used, span->resident - used);
    span->resident = used;
}

// `bytes` were reserved.
static struct span *make_block(struct span *span, size_t bytes) {
    if (span && limit_is_set())
        give_slack(span, bytes);
    if (span)
        set_bytes(span, bytes);
    limit_release(bytes);
    if (!span)
        return NULL;
    span_set_kind(span, SPAN_LARGE);
    span_publish_block(span, CLASS_LARGE);
    return span;
}

struct span *large_take(struct page_heap *heap, size_t bytes, size_t alignment) {
    size_t granules = max_size(alignment >> GRANULE_SHIFT, 1);
    if (!limit_reserve(bytes))
        return NULL;
    struct span *span = page_heap_take(heap, bytes_to_granules(bytes), granules);
    return make_block(span, bytes);
}

struct span *large_try_take(struct page_heap *heap, size_t bytes, bool *busy) {
    *busy = false;
    if (!limit_reserve(bytes))
        return NULL;
    return make_block(page_heap_try_take(heap, bytes_to_granules(bytes), busy), bytes);
}

void large_give(struct span *span) {
    count_block(span, -1);
    page_heap_give(span->pages, span, span->bytes, 0);
}

void large_repair_in_child(struct span *span) {
    page_map_set_class(span->base, 1, CLASS_LARGE);
}

bool large_resize(struct span *span, size_t bytes) {
    size_t granules = bytes_to_granules(bytes);
    size_t more = bytes > span->bytes ? bytes - span->bytes : 0;
    bool   done = limit_reserve(more);
    if (!done)
        return false;
    count_block(span, -1);
    if (granules > span->granules)
        done = page_heap_grow(span->pages, span, granules);
    if (granules < span->granules)
        page_heap_shrink(span->pages, span, granules);
    set_bytes(span, done ? bytes : span->bytes);
    limit_release(more);
    return done;
}
