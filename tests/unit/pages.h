// tests/unit/pages.h - page heaps on the fake OS, for the tests of the floors page and heap.
#pragma once
#include <stdlib.h>

#include "page/page_heap_walk.h"
#include "tests/support/fake_os.h"
#include "tests/unit/cases.h"

struct pages {
    struct source_map map;
    struct source_brk brk;
    struct page_gauge gauge;
    struct page_heap  heap;
};

// A page heap over mapped regions. Once a process: the records of the page floor stay.
static inline void pages_start(struct pages *pages) {
    fake_reset();
    *pages = (struct pages){0};
    source_map_init(&pages->map);
    page_heap_init(&pages->heap, &pages->map.source, NULL, &pages->gauge);
}

// A page heap over the data segment, with mapped regions when that is exhausted.
static inline void pages_start_brk(struct pages *pages) {
    pages_start(pages);
    source_brk_init(&pages->brk);
    page_heap_init(&pages->heap, &pages->brk.source, &pages->map.source, &pages->gauge);
}

// Records of one type, used up one by one, so that a test says how many are left.
struct drain {
    struct span *spans[8192];
    unsigned     count;
};

// From here on no new record of any type comes from the system, and exactly `left` records of spans
// are in store.
static inline void drain_spans(struct drain *drain, unsigned left) {
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    struct span *span;
    drain->count = 0;
    while ((span = span_new(0, 1, SPAN_CLEAN)) != NULL) {
        CHECK(drain->count < 8192);
        drain->spans[drain->count++] = span;
    }
    CHECK(left < drain->count);
    while (left-- > 0)
        span_delete(drain->spans[--drain->count]);
}

static inline void drain_end(struct drain *drain) {
    fake_fail(FAKE_MAP, 1, 0);
    while (drain->count > 0)
        span_delete(drain->spans[--drain->count]);
}

// The classes of a span's granules: the first, and all that follow.
static inline bool has_classes(const struct span *span, class_id first, class_id later) {
    for (size_t i = 0; i < span->granules; i++)
        if (page_map_class(span->base + i * GRANULE) != (i == 0 ? first : later))
            return false;
    return true;
}

// A taken span becomes a block, all of which will be used.
static inline struct span *as_block(struct span *span) {
    CHECK(span != NULL);
    span->resident = span_bytes(span);
    span_set_kind(span, SPAN_LARGE);
    span_publish_block(span, CLASS_LARGE);
    return span;
}

static inline struct span *take_block(struct pages *pages, size_t granules) {
    return as_block(page_heap_take(&pages->heap, granules, 1));
}
