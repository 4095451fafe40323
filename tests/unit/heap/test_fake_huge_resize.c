// unit/heap/test_fake_huge_resize.c - growing and shrinking mappings, in place and moved.
#include "heap/huge.h"

#include "conf/counters.h"
#include "tests/unit/pages.h"

static uint64_t figure(enum counter_id id) {
    return counters_process.value[id];
}

// A gap of 64 MiB at the start of the address space, where the blocks will lie; behind it stands
// what the store of records and the page map need.
static void start(void) {
    fake_reset();
    struct span *span = huge_take(MIB(64), 1);
    CHECK(span != NULL);
    huge_give(span);
    CHECK_EQ(huge_evict(UINT64_MAX), MIB(64));
    fake_forget();
}

static struct span *take(size_t bytes) {
    struct span *span = huge_take(bytes, 1);
    CHECK(span != NULL);
    test_fill((void *)span->base, bytes, bytes);
    return span;
}

// A block followed at once by another: it cannot grow where it is.
static struct span *take_walled(size_t bytes) {
    struct span *span = take(bytes), *wall = take(MIB(1));
    CHECK_EQ(span_end(span), wall->base);
    return span;
}

static void check(struct span *span, size_t bytes, size_t kept, uint64_t seed) {
    CHECK_EQ(span->kind, SPAN_HUGE);
    CHECK_EQ(span->bytes, align_up(bytes, 4096));
    CHECK(span_bytes(span) >= span->bytes);
    CHECK(has_classes(span, CLASS_HUGE, CLASS_INSIDE));
    CHECK(page_map_span(span->base) == span && page_map_span(span_end(span) - 1) == span);
    CHECK(fake_is_committed((void *)span->base, span_bytes(span)));
    CHECK(test_is_filled((void *)span->base, kept, seed));
    memset((char *)span->base + kept, 1, span->bytes - kept);
}

static void within_the_mapping(void) {
    start();
    struct span *span = take(MIB(2) + 5);
    unsigned     calls = fake_count(FAKE_ANY);
    CHECK(huge_resize(span, MIB(2) + 60000));
    check(span, MIB(2) + 60000, MIB(2) + 5, MIB(2) + 5);
    CHECK(huge_resize(span, MIB(2) + 5));
    CHECK_EQ(fake_count(FAKE_ANY), calls);
    CHECK_EQ(figure(COUNTER_huge_bytes), MIB(2) + 4096);
}

static void grows_in_place(void) {
    start();
    struct span *span = take(MIB(2));
    uintptr_t    base = span->base;
    CHECK(huge_resize(span, MIB(7)));
    CHECK_EQ(span->base, base);
    CHECK_EQ(span_bytes(span), MIB(7) + MIB(7) / 8);  // and an eighth of address space
    check(span, MIB(7), MIB(2), MIB(2));
    CHECK_EQ(figure(COUNTER_mapped_bytes), MIB(7) + MIB(7) / 8);
    CHECK_EQ(figure(COUNTER_huge_bytes), MIB(7));
    CHECK_EQ(figure(COUNTER_remaps), 1);
}

static void grows_in_place_without_room_to_spare(void) {
    start();
    struct span *span = take(MIB(2)), *hole = take(MIB(2));
    CHECK(take(MIB(1))->base == span_end(hole));
    huge_give(hole);
    huge_evict(UINT64_MAX);
    CHECK(huge_resize(span, MIB(4)));
    CHECK_EQ(span_bytes(span), MIB(4));
    check(span, MIB(4), MIB(2), MIB(2));
}

static void no_room_in_place(void) {
    start();
    struct span *span = take_walled(MIB(2));
    CHECK(!huge_resize(span, MIB(2) + 1));
    check(span, MIB(2), MIB(2), MIB(2));
    CHECK_EQ(figure(COUNTER_huge_bytes), MIB(3));
}

static void a_small_shrink_keeps_the_mapping(void) {
    start();
    struct span *span = take(MIB(4));
    unsigned     calls = fake_count(FAKE_ANY);
    CHECK(huge_resize(span, MIB(3)));
    CHECK_EQ(fake_count(FAKE_ANY), calls);
    CHECK_EQ(span_bytes(span), MIB(4));
    check(span, MIB(3), MIB(3), MIB(4));
    CHECK(huge_resize(span, MIB(4)));
    CHECK_EQ(fake_count(FAKE_ANY), calls);
}

static void a_large_shrink_cuts_the_mapping(void) {
    start();
    struct span *span = take(MIB(4));
    uintptr_t    base = span->base;
    CHECK(huge_resize(span, MIB(1) + 1));
    CHECK_EQ(span_bytes(span), MIB(1) + GRANULE);
    check(span, MIB(1) + 1, MIB(1) + 1, MIB(4));
    CHECK_EQ(page_map_class(base + MIB(1) + GRANULE), CLASS_NONE);
    CHECK_EQ(page_map_class(base + MIB(4) - 1), CLASS_NONE);
    CHECK(!fake_is_committed((void *)(base + MIB(1) + GRANULE), 4096));
    CHECK_EQ(figure(COUNTER_mapped_bytes), MIB(1) + GRANULE);
}

// The mapping stays as long as it is, and everything still leads to the block.
static void a_shrink_that_fails(void) {
    start();
    struct span *span = take(MIB(4));
    fake_fail(FAKE_RESIZE, 1, 1);
    CHECK(huge_resize(span, MIB(1)));
    CHECK_EQ(span_bytes(span), MIB(4));
    check(span, MIB(1), MIB(1), MIB(4));
    CHECK_EQ(figure(COUNTER_huge_bytes), MIB(1));
}

// With an eighth of room in address space, so that small steps ask rarely.
static void moves_with_room(void) {
    start();
    struct span *span = take_walled(MIB(2));
    uintptr_t    old = span->base;
    char        *moved = huge_move(span, MIB(8));
    CHECK(moved != NULL && (uintptr_t)moved != old);
    CHECK((uintptr_t)moved == span->base);
    CHECK_EQ(span_bytes(span), MIB(9));
    check(span, MIB(8), MIB(2), MIB(2));
    CHECK_EQ(page_map_class(old), CLASS_NONE);
    CHECK_EQ(page_map_class(old + MIB(2) - 1), CLASS_NONE);
    CHECK(!fake_is_committed((void *)old, 4096));
    CHECK_EQ(figure(COUNTER_mapped_bytes), MIB(10));
    CHECK_EQ(figure(COUNTER_huge_blocks), 2);
    CHECK_EQ(figure(COUNTER_huge_bytes), MIB(9));
}

// As realloc does it, in place where that is possible and elsewhere.
static void check_small_steps(struct span *span) {
    for (size_t bytes = MIB(2); bytes < MIB(50); bytes += 5000)
        CHECK(huge_resize(span, bytes) || huge_move(span, bytes));
    CHECK_LE(figure(COUNTER_remaps), 30);  // log of 25 to the base 9/8 is 27
    CHECK(test_is_filled((void *)span->base, MIB(2), MIB(2)));
}

static void growth_by_small_steps_asks_rarely(void) {
    start();
    check_small_steps(take(MIB(2)));
}

static void moves_by_small_steps_are_rare(void) {
    start();
    check_small_steps(take_walled(MIB(2)));
}

static void move_to_less(void) {
    start();
    struct span *span = take_walled(MIB(8));
    uintptr_t    base = span->base;
    CHECK((uintptr_t)huge_move(span, MIB(2)) == base);
    CHECK_EQ(span_bytes(span), MIB(2));
    check(span, MIB(2), MIB(2), MIB(8));
}

static void no_memory_for_the_room(void) {
    start();
    struct span *span = take_walled(MIB(2));
    fake_fail(FAKE_MOVE, 1, 1);
    CHECK(huge_move(span, MIB(8)));
    CHECK_EQ(span_bytes(span), MIB(8));  // exactly the need
    check(span, MIB(8), MIB(2), MIB(2));
}

static void no_memory_to_move(void) {
    start();
    struct span *span = take_walled(MIB(2));
    uint64_t     mapped = figure(COUNTER_mapped_bytes);
    fake_fail(FAKE_MOVE, 1, UINT32_MAX);
    CHECK(huge_move(span, MIB(8)) == NULL);
    check(span, MIB(2), MIB(2), MIB(2));
    CHECK(huge_move(span, GIB(20)) == NULL && huge_move(span, PTRDIFF_MAX) == NULL);
    check(span, MIB(2), MIB(2), MIB(2));
    CHECK_EQ(figure(COUNTER_mapped_bytes), mapped);
    CHECK_EQ(figure(COUNTER_huge_bytes), MIB(3));
    fake_fail(FAKE_MOVE, 1, 0);
    CHECK(huge_move(span, MIB(8)));
    check(span, MIB(8), MIB(2), MIB(2));
}

// The new place has no leaf in the page map, and there is no memory for one: all is as before.
static void no_leaf_for_the_new_place(void) {
    start();
    struct span *span = take_walled(MIB(2)), *filler = huge_take(GIB(4) + MIB(8), 1);
    CHECK(filler != NULL);
    size_t leaves = page_map_leaves();
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    CHECK(huge_move(span, GIB(5)) == NULL);
    CHECK_EQ(page_map_leaves(), leaves);
    check(span, MIB(2), MIB(2), MIB(2));
    fake_fail(FAKE_MAP, 1, 0);
    CHECK(huge_move(span, GIB(5)));
    CHECK(page_map_leaves() > leaves);
    CHECK(test_is_filled((void *)span->base, MIB(2), MIB(2)));
}

int main(void) {
    CASE(within_the_mapping);
    CASE(grows_in_place);
    CASE(grows_in_place_without_room_to_spare);
    CASE(no_room_in_place);
    CASE(a_small_shrink_keeps_the_mapping);
    CASE(a_large_shrink_cuts_the_mapping);
    CASE(a_shrink_that_fails);
    CASE(moves_with_room);
    CASE(growth_by_small_steps_asks_rarely);
    CASE(moves_by_small_steps_are_rare);
    CASE(move_to_less);
    CASE(no_memory_for_the_room);
    CASE(no_memory_to_move);
    CASE(no_leaf_for_the_new_place);
    return 0;
}
