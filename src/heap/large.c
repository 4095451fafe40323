// heap/large.c - see large.h.
#include "heap/large.h"

#include "conf/counters.h"
#include "os/os.h"

static struct span *make_block(struct span *span, size_t bytes) {
    if (!span)
        return NULL;
    span->bytes = align_up(bytes, os_page_bytes());
    span_set_kind(span, SPAN_LARGE);
    span_publish_block(span, CLASS_LARGE);
    counters_add(&counters_process, COUNTER_large_bytes, span->bytes);
    counters_add(&counters_process, COUNTER_large_blocks, 1);
    return span;
}

struct span *large_take(struct page_heap *heap, size_t bytes, size_t alignment) {
    size_t granules = max_size(alignment >> GRANULE_SHIFT, 1);
    return make_block(page_heap_take(heap, bytes_to_granules(bytes), granules), bytes);
}

struct span *large_try_take(struct page_heap *heap, size_t bytes, bool *busy) {
    return make_block(page_heap_try_take(heap, bytes_to_granules(bytes), busy), bytes);
}

void large_give(struct span *span) {
    counters_sub(&counters_process, COUNTER_large_bytes, span->bytes);
    counters_sub(&counters_process, COUNTER_large_blocks, 1);
    page_heap_give(span->pages, span, span->bytes, 0);
}

bool large_resize(struct span *span, size_t bytes) {
    size_t granules = bytes_to_granules(bytes);
    if (granules > span->granules && !page_heap_grow(span->pages, span, granules))
        return false;
    if (granules < span->granules)
        page_heap_shrink(span->pages, span, granules);
    size_t rounded = align_up(bytes, os_page_bytes());
    counters_add(&counters_process, COUNTER_large_bytes, rounded - span->bytes);
    // What the block no longer has was used all the same.
    if (rounded < span->bytes)
        span->state = SPAN_DIRTY;
    span->bytes = rounded;
    return true;
}
