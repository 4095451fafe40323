// unit/heap/test_fake_large.c - blocks of whole spans: sizes, alignment, resizing, a busy heap.
#include "heap/large.h"

#include "conf/counters.h"
#include "page/page_heap_walk.h"
#include "tests/unit/pages.h"

static struct pages pages;

static uint64_t figure(enum counter_id id) {
    return counters_process.value[id];
}

static struct span *take(size_t bytes) {
    struct span *span = large_take(&pages.heap, bytes, 1);
    CHECK(span != NULL);
    CHECK_EQ(span->kind, SPAN_LARGE);
    CHECK_EQ(span->bytes, align_up(bytes, 4096));
    CHECK(has_classes(span, CLASS_LARGE, CLASS_INSIDE));
    CHECK(page_map_span(span->base) == span && page_map_span(span_end(span) - 1) == span);
    page_heap_check(&pages.heap);
    return span;
}

static void sizes(void) {
    const size_t wanted[] = {1, 4096, 32769, 65536, 65537, 131072, MIB(1) - 1, MIB(1), MIB(33)};
    size_t       sum = 0;
    pages_start(&pages);
    for (unsigned i = 0; i < ARRAY_COUNT(wanted); i++) {
        struct span *span = take(wanted[i]);
        CHECK_EQ(span->granules, (wanted[i] + 65535) / 65536);
        CHECK(is_aligned(span->base, GRANULE));
        CHECK_EQ(span->state, SPAN_CLEAN);
        sum += span->bytes;
        CHECK_EQ(figure(COUNTER_large_bytes), sum);
        CHECK_EQ(figure(COUNTER_large_blocks), i + 1);
    }
}

static void sizes_on_large_pages(void) {
    pages_start(&pages);
    fake_set_page_bytes(16384);
    CHECK_EQ(large_take(&pages.heap, 32769, 1)->bytes, 49152);
}

static void given_back(void) {
    pages_start(&pages);
    struct span *a = take(100000), *b = take(200000);
    uintptr_t    base = a->base;
    large_give(a);
    CHECK_EQ(page_map_class(base), CLASS_FREE);
    CHECK_EQ(page_map_class(base + GRANULE), CLASS_FREE);
    CHECK_EQ(figure(COUNTER_large_bytes), b->bytes);
    CHECK_EQ(figure(COUNTER_large_blocks), 1);
    large_give(b);
    CHECK_EQ(figure(COUNTER_large_bytes), 0);
    CHECK_EQ(pages.heap.active_bytes, 0);
    a = take(150000);
    CHECK(a->base == base && a->state == SPAN_DIRTY);
    page_heap_check(&pages.heap);
}

// A block that was asked for and used to a part leaves only that part resident.
static void unused_tail_is_not_resident(void) {
    pages_start(&pages);
    large_give(take(70000));
    CHECK_EQ(pages.heap.dirty_bytes, 73728);
    page_heap_check(&pages.heap);
}

static void alignments(void) {
    pages_start(&pages);
    for (size_t alignment = 16; alignment <= MIB(8); alignment *= 4) {
        struct span *span = large_take(&pages.heap, 100000, alignment);
        CHECK(span && is_aligned(span->base, alignment));
        CHECK_EQ(span->granules, 2);
        CHECK(has_classes(span, CLASS_LARGE, CLASS_INSIDE));
        page_heap_check(&pages.heap);
    }
}

static void busy_heap(void) {
    bool busy = true;
    pages_start(&pages);
    struct span *span = large_try_take(&pages.heap, 100000, &busy);
    CHECK(span && !busy && span->bytes == 102400);
    lock_acquire(&pages.heap.lock);
    CHECK(large_try_take(&pages.heap, 100000, &busy) == NULL && busy);
    lock_release(&pages.heap.lock);
    CHECK_EQ(figure(COUNTER_large_blocks), 1);
}

static void no_memory(void) {
    pages_start(&pages);
    fake_fail(FAKE_ANY, 1, UINT32_MAX);
    CHECK(large_take(&pages.heap, 100000, 1) == NULL);
    CHECK_EQ(figure(COUNTER_large_blocks), 0);
    CHECK_EQ(figure(COUNTER_large_bytes), 0);
}

static void resize_within_the_span(void) {
    pages_start(&pages);
    struct span *span = take(70000);
    unsigned     calls = fake_count(FAKE_ANY);
    CHECK(large_resize(span, 131072));
    CHECK_EQ(span->bytes, 131072);
    CHECK(large_resize(span, 65537));
    CHECK_EQ(span->bytes, 69632);
    CHECK_EQ(span->granules, 2);
    CHECK_EQ(figure(COUNTER_large_bytes), 69632);
    CHECK_EQ(fake_count(FAKE_ANY), calls);
}

static void resize_into_the_neighbour(void) {
    pages_start(&pages);
    struct span *span = take(65536), *next = take(200000);
    take(65536);
    test_fill((void *)span->base, 65536, 3);
    CHECK(!large_resize(span, 65537));
    CHECK_EQ(span->bytes, 65536);
    CHECK_EQ(span->granules, 1);
    CHECK_EQ(figure(COUNTER_large_bytes), 65536 + 200704 + 65536);
    large_give(next);
    CHECK(!large_resize(span, 5 * GRANULE + 1));
    CHECK(large_resize(span, 200000));
    CHECK_EQ(span->bytes, 200704);
    CHECK_EQ(span->granules, 4);
    CHECK(has_classes(span, CLASS_LARGE, CLASS_INSIDE));
    CHECK(page_map_span(span_end(span) - 1) == span);
    CHECK(test_is_filled((void *)span->base, 65536, 3));
    page_heap_check(&pages.heap);
    CHECK_EQ(figure(COUNTER_large_bytes), 200704 + 65536);
}

// What the block lost inside its span was used, and is resident when it is given back.
static void shrunk_tail_is_resident(void) {
    pages_start(&pages);
    struct span *span = take(131072);
    CHECK(large_resize(span, 65537));
    large_give(span);
    CHECK_EQ(pages.heap.dirty_bytes, 131072);
    page_heap_check(&pages.heap);
}

static void shrink_gives_granules_back(void) {
    pages_start(&pages);
    struct span *span = take(MIB(1));
    test_fill((void *)span->base, MIB(1), 9);
    CHECK(large_resize(span, 100000));
    CHECK_EQ(span->granules, 2);
    CHECK_EQ(span->bytes, 102400);
    CHECK(test_is_filled((void *)span->base, 102400, 9));
    CHECK_EQ(pages.heap.active_bytes, 2 * GRANULE);
    CHECK_EQ(pages.heap.dirty_bytes, MIB(1) - 2 * GRANULE);
    page_heap_check(&pages.heap);
    large_give(span);
    CHECK_EQ(pages.heap.active_bytes, 0);
    CHECK_EQ(figure(COUNTER_large_bytes), 0);
}

// Without a record for the rest the span keeps it, and the block is as small as was asked.
static void shrink_without_records(void) {
    static struct drain drain;
    pages_start(&pages);
    struct span *span = take(MIB(1));
    drain_spans(&drain, 0);
    CHECK(large_resize(span, 100000));
    CHECK_EQ(span->granules, 16);
    CHECK_EQ(span->bytes, 102400);
    page_heap_check(&pages.heap);
    drain_end(&drain);
    CHECK(large_resize(span, MIB(1)));
    large_give(span);
    page_heap_check(&pages.heap);
    CHECK_EQ(figure(COUNTER_large_bytes), 0);
}

int main(void) {
    CASE(sizes);
    CASE(sizes_on_large_pages);
    CASE(given_back);
    CASE(unused_tail_is_not_resident);
    CASE(alignments);
    CASE(busy_heap);
    CASE(no_memory);
    CASE(resize_within_the_span);
    CASE(resize_into_the_neighbour);
    CASE(shrunk_tail_is_resident);
    CASE(shrink_gives_granules_back);
    CASE(shrink_without_records);
    return 0;
}
