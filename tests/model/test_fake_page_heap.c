// tests/model/test_fake_page_heap.c - a page heap under random traffic beside a list of its spans.
//
// The model knows what is in use and what stands in it; after every few steps the heap's own
// checker proves that the spans tile the regions, and a naive search over the map tells which free
// span had to be taken.
#include "conf/options.h"
#include "page/page_heap.h"
#include "page/page_heap_walk.h"
#include "tests/model/model.h"

enum { LIVE_MAX = 300, MOVING_MAX = 20, STEPS = 110000, GRANULES_MAX = 2500 };

#define SEGMENT_BYTES MIB(100)  // others may move the break in the first three quarters

static uintptr_t         segment_start;
static struct source_brk segment;
static struct source_map map;
static struct page_gauge gauge;
static struct page_heap  heap;

static struct live {
    struct span *span;
    uintptr_t    base;
    size_t       granules;
    uint64_t     mark;
} live[LIVE_MAX];
static unsigned live_count;
static size_t   live_granules;
static uint64_t next_mark;

static struct list moving;  // detached for a purge

// --- what stands in a span: its mark, in every granule ------------------------------------------

static uint64_t *word_of(uintptr_t base, size_t granule) {
    return (uint64_t *)(base + granule * GRANULE + 8 * (granule % 500));
}

static void write_marks(struct live *one, size_t from) {
    for (size_t i = from; i < one->granules; i++)
        *word_of(one->base, i) = one->mark + i;
}

static void check_marks(const struct live *one) {
    CHECK(one->span->base == one->base && one->span->granules == one->granules);
    CHECK(page_map_span(one->base) == one->span);
    CHECK(page_map_span(one->base + one->granules * GRANULE - 1) == one->span);
    for (size_t i = 0; i < one->granules; i++)
        CHECK(*word_of(one->base, i) == one->mark + i);
}

static void check_apart(const struct live *one) {
    for (unsigned i = 0; i < live_count; i++)
        CHECK(&live[i] == one || live[i].base >= one->base + one->granules * GRANULE ||
              one->base >= live[i].base + live[i].granules * GRANULE);
}

// --- the naive search ---------------------------------------------------------------------------

static bool is_better(const struct span *span, const struct span *best) {
    if (!best || span->state != best->state)
        return !best || span->state == SPAN_DIRTY;
    return span->granules < best->granules ||
           (span->granules == best->granules && span->base < best->base);
}

static struct span *naive_in(const struct source *source, size_t granules, struct span *best) {
    const struct list *node = source->regions.next;
    for (; node != &source->regions; node = node->next) {
        const struct region *region = CONTAINER_OF(node, struct region, node);
        for (uintptr_t at = region->base; at < region_end(region);) {
            struct span *span = page_map_span(at);
            at = span_end(span);
            if (span->kind == SPAN_FREE && span->granules >= granules && is_better(span, best))
                best = span;
        }
    }
    return best;
}

// The base of the span that a request has to be cut from; 0: the source has to grow.
static uintptr_t naive_choice(size_t granules) {
    struct span *best = naive_in(&segment.source, granules, NULL);
    best = naive_in(&map.source, granules, best);
    return best ? best->base : 0;
}

// --- operations ---------------------------------------------------------------------------------

static void take(void) {
    size_t granules = 1 + (model_chance(90) ? model_below(40) : model_below(400));
    size_t align = model_chance(85) ? 1 : (size_t)1 << model_below(7);
    if (live_count == LIVE_MAX || live_granules + granules > GRANULES_MAX)
        return;
    bool         is_looked_for = align == 1 && model_chance(10);
    uintptr_t    expected = is_looked_for ? naive_choice(granules) : 0;
    struct span *span = page_heap_take(&heap, granules, align);
    CHECK(span || model_fails);
    if (!span)
        return;
    CHECK(span->granules == granules || (model_fails && span->granules > granules));
    CHECK(is_aligned(span->base, align * GRANULE));
    CHECK(expected == 0 || span->base == expected);
    span_set_kind(span, SPAN_LARGE);
    span->resident = span_bytes(span);
    span_publish_block(span, CLASS_LARGE);
    struct live *one = &live[live_count++];
    *one = (struct live){span, span->base, span->granules, next_mark += 10000};
    live_granules += one->granules;
    check_apart(one);
    for (size_t i = 0; span->state == SPAN_CLEAN && i < one->granules; i++)
        CHECK(*word_of(one->base, i) == 0);
    write_marks(one, 0);
}

static void give(unsigned i) {
    check_marks(&live[i]);
    live_granules -= live[i].granules;
    page_heap_give(&heap, live[i].span, span_bytes(live[i].span), 0);
    live[i] = live[--live_count];
}

static void grow(unsigned i) {
    size_t before = live[i].granules, granules = before + 1 + model_below(20);
    check_marks(&live[i]);
    if (!page_heap_grow(&heap, live[i].span, granules)) {
        CHECK_EQ(live[i].span->granules, before);
        return;
    }
    live[i].granules = live[i].span->granules;
    CHECK(live[i].granules == granules || (model_fails && live[i].granules > granules));
    live_granules += live[i].granules - before;
    check_apart(&live[i]);
    write_marks(&live[i], before);
}

static void shrink(unsigned i) {
    size_t before = live[i].granules, granules = 1 + model_below((uint32_t)before);
    if (granules == before)
        return;
    bool done = page_heap_shrink(&heap, live[i].span, granules);
    CHECK(done || model_fails);
    live[i].granules = done ? granules : before;
    live_granules -= before - live[i].granules;
    check_marks(&live[i]);
}

static void detach(void) {
    if (list_check(&moving) < MOVING_MAX)
        page_heap_detach_dirty(&heap, model_below(100) * GRANULE, 0, &moving);
}

static void attach(void) {
    if (list_is_empty(&moving))
        return;
    struct span *span = CONTAINER_OF(list_first(&moving), struct span, lru);
    page_heap_attach(&heap, span, os_purge((void *)span->base, span_bytes(span)) == 0);
}

static void give_back(void) {
    size_t threshold = model_below(64) * GRANULE, pad = model_below(20) * 10000;
    page_heap_return(&heap, threshold, pad, model_chance(50));
    page_heap_top_bytes(&heap);
    if (model_chance(10) && (uintptr_t)os_break() < segment_start + SEGMENT_BYTES * 3 / 4)
        fake_break_foreign(model_below(5) * 1000 + 16);
}

static void one_step(void) {
    uint32_t kind = model_below(100);
    unsigned i = live_count ? model_below(live_count) : 0;
    if (kind < 42 || live_count == 0)
        take();
    else if (kind < 74)
        give(i);
    else if (kind < 82)
        grow(i);
    else if (kind < 88)
        shrink(i);
    else if (kind < 92)
        detach();
    else if (kind < 97)
        attach();
    else
        give_back();
}

static void end(void) {
    model_fair_weather();
    while (live_count > 0)
        give(0);
    CHECK_EQ(heap.active_bytes, 0);
    CHECK_EQ(gauge.active_bytes, 0);
    do {
        while (!list_is_empty(&moving))
            attach();
    } while (page_heap_detach_dirty(&heap, SIZE_MAX, 0, &moving) > 0 || !list_is_empty(&moving));
    CHECK_EQ(gauge.dirty_bytes, 0);
    page_heap_return(&heap, 0, 0, true);
    page_heap_check(&heap);
    CHECK_EQ(map.source.region_count, 0);
}

static void body(void) {
    bool with_segment = model_chance(50);
    source_map_init(&map);
    source_brk_init(&segment);
    page_heap_init(&heap, with_segment ? &segment.source : &map.source,
                   with_segment ? &map.source : NULL, &gauge);
    list_init(&moving);
    fake_break_place(16, SEGMENT_BYTES);
    segment_start = (uintptr_t)os_break();
    for (unsigned step = 0; step < STEPS; step++) {
        model_weather();
        one_step();
        if (step % 16 == 0)
            page_heap_check(&heap);
        if (step % 1000 == 0)
            fake_forget();
        CHECK_EQ(heap.active_bytes, live_granules * GRANULE);
        CHECK_EQ(heap.dirty_bytes, gauge.dirty_bytes);
    }
    end();
}

int main(int argc, char **argv) {
    return model_main(argc, argv, body);
}
