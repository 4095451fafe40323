// heap/large.c - see large.h.
#include "heap/large.h"

#include "conf/counters.h"
#include "os/os.h"

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

static struct span *make_block(struct span *span, size_t bytes) {
    if (!span)
        return NULL;
    set_bytes(span, bytes);
    span_set_kind(span, SPAN_LARGE);
    span_publish_block(span, CLASS_LARGE);
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
    count_block(span, -1);
    page_heap_give(span->pages, span, span->bytes, 0);
}

bool large_resize(struct span *span, size_t bytes) {
    size_t granules = bytes_to_granules(bytes);
    count_block(span, -1);
    bool done = granules <= span->granules || page_heap_grow(span->pages, span, granules);
    if (granules < span->granules)
        page_heap_shrink(span->pages, span, granules);
    set_bytes(span, done ? bytes : span->bytes);
    return done;
}
