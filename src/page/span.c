// page/span.c - records of spans and how they appear in the page map.
#include "page/span.h"

static struct meta_pool span_pool = META_POOL(struct span);

struct span *span_new(uintptr_t base, size_t granules, enum span_state state) {
    struct span *span = meta_take(&span_pool);
    if (!span)
        return NULL;
    span->base = base;
    span->granules = granules;
    span->kind = SPAN_FREE;
    span->state = state;
    span->region = NULL;
    span->pages = NULL;
    span->owner = NULL;
    span->resident = 0;
    span->freed_ns = 0;
    span->guard_before = span->guard_after = 0;
    span->joined = 0;
    list_init(&span->lru);
    list_init(&span->owned);
    return span;
}

void span_delete(struct span *span) {
    meta_give(&span_pool, span);
}

void span_publish_ends(struct span *span) {
    page_map_set_span(span->base, span);
    page_map_set_span(span_last_granule(span), span);
}

void span_publish_all(struct span *span, class_id id) {
    for (size_t i = 0; i < span->granules; i++)
        page_map_set_span(span->base + i * GRANULE, span);
    page_map_set_class(span->base, span->granules, id);
}

void span_publish_block(struct span *span, class_id id) {
    span_publish_ends(span);
    page_map_set_class(span->base, 1, id);
    page_map_set_class(span->base + GRANULE, span->granules - 1, CLASS_INSIDE);
}
