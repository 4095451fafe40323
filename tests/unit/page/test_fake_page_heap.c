// unit/page/test_fake_page_heap.c - best fit, split, join by state, alignment, resizing in place.
//
// Giving back and life without memory are in test_fake_page_heap_return.c.
#include "page/page_heap_walk.h"
#include "tests/unit/pages.h"

static struct pages pages;

// Spans of the given lengths, each followed by one of 1 granule that stays in use.
static void lay_out(struct span **spans, const size_t *lengths, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        spans[i] = take_block(&pages, lengths[i]);
        CHECK_EQ(spans[i]->granules, lengths[i]);
        CHECK(i == 0 || spans[i]->base > spans[i - 1]->base);
        take_block(&pages, 1);
    }
}

static void give(struct span *span) {
    page_heap_give(&pages.heap, span, span_bytes(span), 0);
    page_heap_check(&pages.heap);
}

static size_t purge_all(void) {
    struct list list;
    list_init(&list);
    page_heap_detach_dirty(&pages.heap, SIZE_MAX, 0, &list);
    size_t bytes = 0;
    while (!list_is_empty(&list)) {
        struct span *span = CONTAINER_OF(list_first(&list), struct span, lru);
        bytes += span_bytes(span);
        page_heap_attach(&pages.heap, span, true);
    }
    page_heap_check(&pages.heap);
    return bytes;
}

static void shortest_then_lowest(void) {
    const size_t lengths[] = {5, 3, 8, 3, 4};
    struct span *spans[5];
    uintptr_t    base[5];
    pages_start(&pages);
    lay_out(spans, lengths, 5);
    for (unsigned i = 5; i-- > 0;) {  // the order of giving does not matter
        base[i] = spans[i]->base;
        give(spans[i]);
    }
    CHECK_EQ(take_block(&pages, 3)->base, base[1]);
    CHECK_EQ(take_block(&pages, 3)->base, base[3]);
    CHECK_EQ(take_block(&pages, 3)->base, base[4]);  // of 4: 1 is left
    CHECK_EQ(take_block(&pages, 1)->base, base[4] + 3 * GRANULE);
    CHECK_EQ(take_block(&pages, 6)->base, base[2]);
    CHECK_EQ(take_block(&pages, 2)->base, base[2] + 6 * GRANULE);
    CHECK_EQ(take_block(&pages, 2)->base, base[0]);
    page_heap_check(&pages.heap);
}

// Resident memory is used before memory that would have to be touched, even when it fits worse.
static void dirty_before_clean(void) {
    const size_t lengths[] = {3, 7};
    struct span *spans[2];
    pages_start(&pages);
    lay_out(spans, lengths, 2);
    uintptr_t clean = spans[0]->base, dirty = spans[1]->base;
    give(spans[0]);
    CHECK_EQ(purge_all(), 3 * GRANULE);
    give(spans[1]);
    struct span *span = take_block(&pages, 3);
    CHECK(span->base == dirty && span->state == SPAN_DIRTY);
    span = take_block(&pages, 4);
    CHECK(span->base == dirty + 3 * GRANULE && span->state == SPAN_DIRTY);
    span = take_block(&pages, 2);
    CHECK(span->base == clean && span->state == SPAN_CLEAN);
}

static void fresh_memory_is_clean_and_zero(void) {
    pages_start(&pages);
    struct span *span = take_block(&pages, 20);
    CHECK_EQ(span->state, SPAN_CLEAN);
    CHECK(test_is_byte((void *)span->base, span_bytes(span), 0));
    CHECK(span->pages == &pages.heap && span->region != NULL && span->owner == NULL);
    memset((void *)span->base, 0xaa, span_bytes(span));
    uintptr_t base = span->base;
    give(span);
    span = take_block(&pages, 20);
    CHECK(span->base == base && span->state == SPAN_DIRTY);
}

static void figures_follow(void) {
    pages_start(&pages);
    struct page_heap *heap = &pages.heap;
    struct span      *a = take_block(&pages, 3), *b = take_block(&pages, 2);
    CHECK_EQ(heap->active_bytes, 5 * GRANULE);
    CHECK_EQ(heap->clean_bytes, MIB(1) - 5 * GRANULE);
    CHECK_EQ(heap->free_count, 1);
    give(a);
    CHECK_EQ(heap->dirty_bytes, 3 * GRANULE);
    CHECK_EQ(heap->free_count, 2);
    CHECK_EQ(pages.gauge.dirty_bytes, 3 * GRANULE);
    CHECK_EQ(pages.gauge.active_bytes, 2 * GRANULE);
    give(b);
    CHECK_EQ(heap->active_bytes, 0);
    CHECK_EQ(heap->free_count, 2);  // one dirty, one clean
    CHECK_EQ(pages.gauge.active_bytes, 0);
    CHECK_EQ(pages.gauge.dirty_bytes, 5 * GRANULE);
}

// What was never touched, or went back already, is not resident, though its span is called dirty.
static void only_touched_bytes_are_resident(void) {
    pages_start(&pages);
    struct page_heap *heap = &pages.heap;
    struct span      *a = take_block(&pages, 3), *b = take_block(&pages, 2);
    take_block(&pages, 1);
    CHECK(a->state == SPAN_CLEAN && b->state == SPAN_CLEAN);
    a->resident = b->resident = 0;
    size_t clean = heap->clean_bytes;
    page_heap_give(heap, a, 5000, 0);
    page_heap_check(heap);
    CHECK_EQ(heap->dirty_bytes, 8192);
    CHECK_EQ(heap->clean_bytes, clean + 3 * GRANULE - 8192);
    page_heap_give(heap, b, GRANULE + 4096, GRANULE);
    page_heap_check(heap);
    CHECK_EQ(heap->dirty_bytes, 8192 + 4096);
    CHECK_EQ(pages.gauge.dirty_bytes, 8192 + 4096);
    CHECK_EQ(heap->free_count, 2);
    a = page_heap_take(heap, 1, 1);  // the front, where the use was
    CHECK_EQ(a->state, SPAN_DIRTY);
    CHECK_EQ(heap->dirty_bytes, 0);
    page_heap_give(heap, a, 100, 0);  // what an earlier holder left is still there
    CHECK_EQ(heap->dirty_bytes, 8192 + 4096);
    CHECK_EQ(purge_all(), 5 * GRANULE);
    CHECK_EQ(heap->dirty_bytes, 0);
    a = page_heap_take(heap, 1, 1);
    b = page_heap_take(heap, 1, 1);
    page_heap_give(heap, b, 4096, 0);
    page_heap_give(heap, a, 8192, 0);  // joined from the left as well as from the right
    page_heap_check(heap);
    CHECK_EQ(heap->dirty_bytes, 8192 + 4096);
}

// Three neighbours are one span again, in whatever order they come back.
static unsigned order_at;

static void join_in_order(void) {
    static const unsigned orders[][3] = {{0, 1, 2}, {2, 1, 0}, {0, 2, 1}, {1, 0, 2}};
    struct span          *spans[3];
    pages_start(&pages);
    for (unsigned i = 0; i < 3; i++)
        spans[i] = take_block(&pages, i + 2);
    uintptr_t base = spans[0]->base;
    take_block(&pages, 1);
    for (unsigned i = 0; i < 3; i++)
        give(spans[orders[order_at][i]]);
    CHECK_EQ(pages.heap.free_count, 2);
    CHECK_EQ(take_block(&pages, 9)->base, base);
    CHECK_EQ(pages.heap.free_count, 1);
}

// Clean memory keeps its worth: it does not become part of a dirty run.
static void states_do_not_mix(void) {
    pages_start(&pages);
    struct span *left = take_block(&pages, 2), *middle = take_block(&pages, 3);
    struct span *right = take_block(&pages, 4);
    take_block(&pages, 1);
    give(middle);
    purge_all();
    give(left);
    give(right);
    CHECK_EQ(pages.heap.free_count, 4);
    CHECK_EQ(pages.heap.dirty_bytes, 6 * GRANULE);
    CHECK_EQ(purge_all(), 6 * GRANULE);
    CHECK_EQ(pages.heap.free_count, 2);  // now they are one
    CHECK_EQ(pages.heap.dirty_bytes, 0);
}

static void regions_never_join(void) {
    pages_start(&pages);
    struct span *a = take_block(&pages, MIB(64) / GRANULE);
    struct span *b = take_block(&pages, MIB(64) / GRANULE);
    CHECK(a->region != b->region);
    give(a);
    give(b);
    CHECK_EQ(pages.heap.free_count, 2);
    struct span *c = take_block(&pages, MIB(65) / GRANULE);
    CHECK(c->region->reserved >= MIB(65));
}

static void aligned_takes(void) {
    pages_start(&pages);
    size_t active = 0;
    for (size_t align = 1; align <= 64; align *= 2) {
        for (size_t granules = 1; granules <= 9; granules += 4) {
            struct span *span = as_block(page_heap_take(&pages.heap, granules, align));
            CHECK_EQ(span->granules, granules);  // what is too much was cut off on both sides
            CHECK(is_aligned(span->base, align * GRANULE));
            CHECK(page_map_span(span->base) == span);
            CHECK(page_map_span(span_end(span) - 1) == span);
            active += granules * GRANULE;
            CHECK_EQ(pages.heap.active_bytes, active);
            page_heap_check(&pages.heap);
        }
    }
    // Heads and tails serve others: three granules fit somewhere without growth.
    size_t committed = pages.map.source.committed_bytes;
    take_block(&pages, 3);
    CHECK_EQ(pages.map.source.committed_bytes, committed);
}

static void grow_in_place(void) {
    pages_start(&pages);
    struct span *a = take_block(&pages, 2), *b = take_block(&pages, 5);
    struct span *wall = take_block(&pages, 1);
    CHECK(!page_heap_grow(&pages.heap, a, 3));  // the neighbour is in use
    CHECK_EQ(a->granules, 2);
    give(b);
    CHECK(!page_heap_grow(&pages.heap, a, 8));  // it is too short
    CHECK_EQ(pages.heap.dirty_bytes, 5 * GRANULE);
    CHECK(page_heap_grow(&pages.heap, a, 4));
    page_heap_check(&pages.heap);
    CHECK_EQ(a->granules, 4);
    CHECK_EQ(a->state, SPAN_DIRTY);
    CHECK(has_classes(a, CLASS_LARGE, CLASS_INSIDE));
    CHECK(page_map_span(span_last_granule(a)) == a);
    CHECK_EQ(page_map_class(span_end(a)), CLASS_FREE);
    CHECK_EQ(pages.heap.dirty_bytes, 3 * GRANULE);
    CHECK(page_heap_grow(&pages.heap, a, 7));  // all of it
    page_heap_check(&pages.heap);
    CHECK_EQ(span_end(a), wall->base);
    CHECK_EQ(pages.heap.active_bytes, 8 * GRANULE);
    CHECK(!page_heap_grow(&pages.heap, a, 8));
}

// At the end of the committed part there is no neighbour, and what lies behind is not looked at.
static void no_growth_beyond_the_region(void) {
    pages_start(&pages);
    struct span *span = take_block(&pages, 16);
    CHECK_EQ(pages.heap.free_count, 0);
    CHECK(!page_heap_grow(&pages.heap, span, 17));
    page_heap_check(&pages.heap);
}

static void shrink_in_place(void) {
    pages_start(&pages);
    struct span *a = take_block(&pages, 8), *b = take_block(&pages, 4);
    take_block(&pages, 1);
    test_fill((void *)a->base, span_bytes(a), 5);
    CHECK(page_heap_shrink(&pages.heap, a, 3));
    page_heap_check(&pages.heap);
    CHECK_EQ(a->granules, 3);
    CHECK(test_is_filled((void *)a->base, span_bytes(a), 5));
    CHECK(has_classes(a, CLASS_LARGE, CLASS_INSIDE));
    CHECK_EQ(page_map_class(span_end(a)), CLASS_FREE);
    CHECK_EQ(pages.heap.dirty_bytes, 5 * GRANULE);
    give(b);
    CHECK_EQ(pages.heap.dirty_bytes, 9 * GRANULE);
    CHECK_EQ(take_block(&pages, 9)->base, span_end(a));  // the rest joined its neighbour
    CHECK_EQ(pages.heap.active_bytes, 13 * GRANULE);
}

static void try_take_does_not_wait(void) {
    bool busy = true;
    pages_start(&pages);
    struct span *span = page_heap_try_take(&pages.heap, 3, &busy);
    CHECK(span && !busy);
    lock_acquire(&pages.heap.lock);
    CHECK(page_heap_try_take(&pages.heap, 3, &busy) == NULL && busy);
    lock_release(&pages.heap.lock);
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    CHECK(page_heap_try_take(&pages.heap, GIB(1) / GRANULE, &busy) == NULL && !busy);
}

static void absurd_requests(void) {
    pages_start(&pages);
    CHECK(page_heap_take(&pages.heap, SIZE_MAX, 1) == NULL);
    CHECK(page_heap_take(&pages.heap, SIZE_MAX / GRANULE, 1) == NULL);
    CHECK(page_heap_take(&pages.heap, 1, (size_t)1 << 63) == NULL);
    CHECK(page_heap_take(&pages.heap, SIZE_MAX, (size_t)1 << 63) == NULL);
    CHECK(page_heap_take(&pages.heap, GIB(64) / GRANULE, 1) == NULL);
    CHECK_EQ(pages.heap.active_bytes, 0);
    page_heap_check(&pages.heap);
    CHECK(take_block(&pages, 1));
}

int main(void) {
    CASE(shortest_then_lowest);
    CASE(dirty_before_clean);
    CASE(fresh_memory_is_clean_and_zero);
    CASE(figures_follow);
    CASE(only_touched_bytes_are_resident);
    for (order_at = 0; order_at < 4; order_at++)
        CASE(join_in_order);
    CASE(states_do_not_mix);
    CASE(regions_never_join);
    CASE(aligned_takes);
    CASE(grow_in_place);
    CASE(no_growth_beyond_the_region);
    CASE(shrink_in_place);
    CASE(try_take_does_not_wait);
    CASE(absurd_requests);
    return 0;
}
