// unit/page/test_fake_page_heap_return.c - purge, the segment's end, whole regions, no memory.
#include "conf/options.h"
#include "tests/unit/pages.h"

static struct pages pages;
static struct drain drain;

static void give(struct span *span) {
    page_heap_give(&pages.heap, span, span_bytes(span), 0);
    page_heap_check(&pages.heap);
}

static struct span *first_of(struct list *list) {
    return list_is_empty(list) ? NULL : CONTAINER_OF(list_first(list), struct span, lru);
}

static void purge_all(void) {
    struct list list;
    list_init(&list);
    page_heap_detach_dirty(&pages.heap, SIZE_MAX, 0, &list);
    while (!list_is_empty(&list))
        page_heap_attach(&pages.heap, first_of(&list), true);
    page_heap_check(&pages.heap);
}

static size_t give_back(size_t threshold, size_t pad, bool regions) {
    size_t bytes = page_heap_return(&pages.heap, threshold, pad, regions);
    page_heap_check(&pages.heap);
    return bytes;
}

// --- purge --------------------------------------------------------------------------------------

static void oldest_are_detached_first(void) {
    struct span *spans[4];
    struct list  list;
    pages_start(&pages);
    for (unsigned i = 0; i < 4; i++) {
        spans[i] = take_block(&pages, i + 1);
        take_block(&pages, 1);
    }
    const unsigned order[] = {2, 0, 3, 1};
    for (unsigned i = 0; i < 4; i++)
        give(spans[order[i]]);
    list_init(&list);
    CHECK_EQ(page_heap_detach_dirty(&pages.heap, 3 * GRANULE + 1, 0, &list), 4 * GRANULE);
    page_heap_check(&pages.heap);
    CHECK(first_of(&list) == spans[2]);
    CHECK_EQ(list_check(&list), 2);
    CHECK_EQ(pages.heap.dirty_bytes, 6 * GRANULE);
    page_heap_attach(&pages.heap, first_of(&list), true);
    CHECK(first_of(&list) == spans[0]);
    page_heap_attach(&pages.heap, first_of(&list), false);  // could not be purged: young again
    page_heap_check(&pages.heap);
    CHECK_EQ(pages.heap.dirty_bytes, 7 * GRANULE);
    CHECK_EQ(page_heap_detach_dirty(&pages.heap, SIZE_MAX, 0, &list), 7 * GRANULE);
    CHECK(first_of(&list) == spans[3]);
    CHECK(CONTAINER_OF(list.prev, struct span, lru) == spans[0]);
    CHECK_EQ(page_heap_detach_dirty(&pages.heap, SIZE_MAX, 0, &list), 0);
}

// What is being purged is nobody's: not taken, not joined, not grown into.
static void detached_spans_are_left_alone(void) {
    struct list list;
    pages_start(&pages);
    struct span *left = take_block(&pages, 2), *middle = take_block(&pages, 3);
    struct span *right = take_block(&pages, 4), *wall = take_block(&pages, 7);
    uintptr_t    base = left->base, middle_base = middle->base;
    CHECK_EQ(span_end(wall), region_end(wall->region));
    give(middle);
    list_init(&list);
    CHECK_EQ(page_heap_detach_dirty(&pages.heap, 1, 0, &list), 3 * GRANULE);
    CHECK(!page_heap_grow(&pages.heap, left, 3));
    give(right);
    CHECK_EQ(pages.heap.free_count, 1);
    give(left);
    CHECK_EQ(pages.heap.free_count, 2);
    CHECK(take_block(&pages, 3)->base != middle_base);
    page_heap_attach(&pages.heap, middle, false);
    page_heap_check(&pages.heap);
    CHECK_EQ(take_block(&pages, 5)->base, base);  // left and middle
}

// The thread that purges does not exist in a forked child: what it had detached is dirty again, and
// joined with what was freed meanwhile.
static void a_forked_child_gets_it_back(void) {
    struct list list;
    pages_start(&pages);
    struct span *left = take_block(&pages, 2), *middle = take_block(&pages, 3);
    struct span *other = take_block(&pages, 1), *last = take_block(&pages, 4);
    uintptr_t    base = left->base;
    take_block(&pages, 1);
    give(middle);
    give(last);
    list_init(&list);
    CHECK_EQ(page_heap_detach_dirty(&pages.heap, SIZE_MAX, 0, &list), 7 * GRANULE);
    give(left);
    page_heap_repair_in_child(&pages.heap);
    page_heap_check(&pages.heap);
    CHECK_EQ(pages.heap.dirty_bytes, 9 * GRANULE);
    CHECK_EQ(take_block(&pages, 5)->base, base);
    CHECK_EQ(take_block(&pages, 4)->base, span_end(other));
    CHECK_EQ(pages.heap.dirty_bytes, 0);
}

static unsigned visited;

static void visit(struct span *span) {
    CHECK_EQ(span->kind, SPAN_SLAB);
    visited++;
}

static void slabs_are_visited(void) {
    pages_start_brk(&pages);
    fake_break_place(16, MIB(1));
    for (unsigned i = 0; i < 30; i++) {  // some in the segment, some in a region
        struct span *span = take_block(&pages, 1 + i % 3);
        if (i % 2)
            span_set_kind(span, SPAN_SLAB);
        if (i % 5 == 0)
            give(span);
    }
    CHECK(pages.brk.source.exhausted);
    page_heap_visit(&pages.heap, SPAN_SLAB, visit);
    CHECK_EQ(visited, 12);
}

// --- the end of the data segment ----------------------------------------------------------------

static void end_of_the_segment(void) {
    pages_start_brk(&pages);
    struct span *low = take_block(&pages, 2), *high = take_block(&pages, 60);
    uintptr_t    end = (uintptr_t)os_break(), from = span_end(low);
    CHECK_EQ(give_back(KIB(64), 0, true), end - span_end(high));  // what the step left free
    give(high);
    CHECK_EQ(give_back(0, 0, false), 0);  // it is dirty still: goes on request only
    CHECK_EQ(page_heap_top_bytes(&pages.heap), 60 * GRANULE);
    purge_all();
    CHECK_EQ(give_back(60 * GRANULE + 1, 0, true), 0);  // below the threshold
    CHECK_EQ(give_back(0, 60 * GRANULE, true), 0);      // within the pad
    CHECK_EQ(give_back(60 * GRANULE, 9 * GRANULE + 1, true), 50 * GRANULE);
    CHECK_EQ((uintptr_t)os_break(), from + 10 * GRANULE);
    CHECK_EQ(page_map_class(from + 9 * GRANULE), CLASS_FREE);
    CHECK_EQ(page_map_class(from + 10 * GRANULE), CLASS_NONE);
    CHECK_EQ(page_heap_top_bytes(&pages.heap), 10 * GRANULE);
    CHECK_EQ(give_back(0, 0, false), 10 * GRANULE);
    CHECK_EQ((uintptr_t)os_break(), from);
    give(low);
    purge_all();
    CHECK_EQ(give_back(0, 0, false), 2 * GRANULE);  // the whole region
    CHECK_EQ(pages.brk.source.region_count, 0);
    CHECK_EQ(page_heap_top_bytes(&pages.heap), 0);
    CHECK_EQ(pages.heap.free_count, 0);
    CHECK(test_is_byte((void *)take_block(&pages, 3)->base, 3 * GRANULE, 0));
    page_heap_check(&pages.heap);
}

static void foreign_break_stays(void) {
    pages_start_brk(&pages);
    struct span *span = take_block(&pages, 20);
    uintptr_t    base = span->base;
    fake_break_foreign(100);
    give(span);
    purge_all();
    uintptr_t before = (uintptr_t)os_break();
    CHECK_EQ(give_back(0, 0, true), 0);
    CHECK_EQ((uintptr_t)os_break(), before);
    CHECK_EQ(page_map_class(base), CLASS_FREE);  // ours still, and still of use
    CHECK_EQ(take_block(&pages, 20)->base, base);
    page_heap_check(&pages.heap);
}

static void fallback_when_exhausted(void) {
    pages_start_brk(&pages);
    fake_break_place(16, KIB(512));
    struct span *a = take_block(&pages, 2), *b = take_block(&pages, 40);
    CHECK(!pages.brk.source.exhausted);  // much was refused: that tells nothing of less
    CHECK(a->region->source == &pages.brk.source);
    CHECK(b->region->source == &pages.map.source);
    struct span *small[16];
    unsigned     count = 0;
    while (!pages.brk.source.exhausted)
        small[count++] = take_block(&pages, 1);
    unsigned moves = fake_count(FAKE_BREAK);
    take_block(&pages, 100);
    CHECK_EQ(fake_count(FAKE_BREAK), moves);  // not asked again
    give(a);
    give(b);
    while (count > 0)
        give(small[--count]);
    purge_all();
    CHECK(give_back(0, 0, true) > 0);
    CHECK(!pages.brk.source.exhausted);  // there may be room again
}

// As at the limit of mappings, where somebody else's mapping goes.
static void exhausted_is_asked_when_all_refuse(void) {
    pages_start_brk(&pages);
    take_block(&pages, 1);
    fake_fail(FAKE_BREAK, 1, UINT32_MAX);
    while (!pages.brk.source.exhausted)
        CHECK(take_block(&pages, 1)->granules == 1);
    fake_fail(FAKE_COMMIT, 1, UINT32_MAX);
    for (struct span *span; (span = page_heap_take(&pages.heap, 1, 1)) != NULL;)
        as_block(span);
    fake_fail(FAKE_BREAK, 1, 0);
    struct span *span = take_block(&pages, 1);
    CHECK(span->region->source == &pages.brk.source);
    CHECK(!pages.brk.source.exhausted);
    page_heap_check(&pages.heap);
}

// --- regions ------------------------------------------------------------------------------------

static void free_regions_are_unmapped(void) {
    pages_start(&pages);
    struct span *a = take_block(&pages, 1000), *b = take_block(&pages, 1000);
    struct span *keep = take_block(&pages, 1);
    CHECK_EQ(pages.map.source.region_count, 2);
    uintptr_t base = a->base;
    size_t    mapped = fake_mapped_bytes();
    give(a);
    CHECK_EQ(give_back(0, 0, false), 0);  // not asked for
    purge_all();
    CHECK_EQ(give_back(0, 0, false), 0);  // not asked for
    fake_fail(FAKE_UNMAP, 1, 1);
    CHECK_EQ(give_back(0, 0, true), 0);
    CHECK_EQ(page_map_class(base), CLASS_FREE);
    CHECK_EQ(take_block(&pages, 900)->base, base);  // it lived on
    give(page_map_span(base));
    purge_all();
    CHECK_EQ(give_back(0, 0, true), MIB(64));
    CHECK_EQ(fake_mapped_bytes(), mapped - MIB(64));
    CHECK_EQ(page_map_class(base), CLASS_NONE);
    give(b);
    purge_all();
    CHECK_EQ(give_back(0, 0, true), 0);  // one block keeps its region
    give(keep);
    purge_all();
    CHECK_EQ(give_back(0, 0, true), MIB(64));
    CHECK_EQ(pages.heap.clean_bytes + pages.heap.dirty_bytes + pages.heap.active_bytes, 0);
    CHECK(take_block(&pages, 5));
}

// --- without memory for records -----------------------------------------------------------------

static unsigned records_left;

// A little life with so many records of spans left: everything that is given works, everything that
// is refused leaves things as they were, and in the end all comes back.
static void life_without_records(void) {
    struct span *spans[12] = {NULL};
    pages_start(&pages);
    struct span *room = take_block(&pages, 40);
    take_block(&pages, 1);
    drain_spans(&drain, records_left);
    give(room);
    size_t active = pages.heap.active_bytes;
    for (unsigned i = 0; i < 12; i++) {
        spans[i] = page_heap_take(&pages.heap, 1 + i % 3, i % 4 == 3 ? 4 : 1);
        page_heap_check(&pages.heap);
        if (spans[i]) {
            as_block(spans[i]);
            CHECK(spans[i]->granules >= 1 + i % 3);  // without a record for the rest it keeps it
        }
    }
    for (unsigned i = 0; i < 12; i += 2)
        if (spans[i] && spans[i]->granules > 1) {
            size_t granules = spans[i]->granules;
            bool   done = page_heap_shrink(&pages.heap, spans[i], 1);
            CHECK_EQ(spans[i]->granules, done ? 1 : granules);
            page_heap_check(&pages.heap);
            CHECK(!done || page_heap_grow(&pages.heap, spans[i], 2));
            page_heap_check(&pages.heap);
        }
    for (unsigned i = 0; i < 12; i++)
        if (spans[i])
            give(spans[i]);
    CHECK_EQ(pages.heap.active_bytes, active);
    drain_end(&drain);
    for (unsigned i = 0; i < 20; i++)
        take_block(&pages, 5);
    page_heap_check(&pages.heap);
}

// The n-th of all calls to the system fails, and those after it as well: growth is refused or not,
// the heap stays whole, and goes on when there is memory again.
static unsigned failing_nth;
static bool     with_brk;

static void life_with_failures(void) {
    struct span *spans[8];
    (with_brk ? pages_start_brk : pages_start)(&pages);
    fake_fail(FAKE_ANY, failing_nth, failing_nth % 3 ? 1 : UINT32_MAX);
    for (unsigned i = 0; i < 8; i++) {
        spans[i] = page_heap_take(&pages.heap, 1 + i * 37, i == 5 ? 32 : 1);
        if (spans[i])
            as_block(spans[i]);
        page_heap_check(&pages.heap);
    }
    for (unsigned i = 0; i < 8; i += 2)
        if (spans[i])
            give(spans[i]);
    purge_all();
    page_heap_return(&pages.heap, 0, 0, true);
    page_heap_top_bytes(&pages.heap);
    fake_fail(FAKE_ANY, 1, 0);
    for (unsigned i = 0; i < 8; i++)
        if (i % 2 == 0 || !spans[i])
            spans[i] = take_block(&pages, 1 + i * 37);
    page_heap_check(&pages.heap);
    for (unsigned i = 0; i < 8; i++)
        give(spans[i]);
    CHECK_EQ(pages.heap.active_bytes, 0);
    CHECK_EQ(pages.gauge.active_bytes, 0);
    purge_all();
    give_back(0, 0, true);
}

int main(void) {
    CASE(oldest_are_detached_first);
    CASE(detached_spans_are_left_alone);
    CASE(a_forked_child_gets_it_back);
    CASE(slabs_are_visited);
    CASE(end_of_the_segment);
    CASE(foreign_break_stays);
    CASE(fallback_when_exhausted);
    CASE(exhausted_is_asked_when_all_refuse);
    CASE(free_regions_are_unmapped);
    for (records_left = 0; records_left < 8; records_left++)
        CASE(life_without_records);
    for (failing_nth = 1; failing_nth <= 40; failing_nth++) {
        with_brk = failing_nth % 2;
        CASE(life_with_failures);
        with_brk = !with_brk;
        CASE(life_with_failures);
    }
    return 0;
}
