// unit/heap/test_fake_slab.c - taking, giving, the return protocol by one thread, and holes.
#include "heap/slab.h"

#include "tests/support/death.h"
#include "tests/unit/pages.h"

enum { SLOTS_MAX = 4096 };

static struct pages pages;
static void        *slots[SLOTS_MAX];

static struct slab *start(class_id id) {
    pages_start(&pages);
    struct span *span = page_heap_take(&pages.heap, size_class_table[id].granules, 1);
    CHECK(span != NULL);
    struct slab *slab = slab_new(span, NULL, id);
    CHECK(slab != NULL);
    return slab;
}

static uint32_t slot_of(struct slab *slab, const void *pointer) {
    return slab_slot_of(slab, (uintptr_t)pointer);
}

static bool give_one(struct slab *slab, uint32_t slot) {
    void *const address = (void *)slab_slot_address(slab, slot);
    return slab_give(slab, &address, 1) == 1;
}

static class_id wanted_class;

static void new_slab_of_any_class(void) {
    struct slab *slab = start(wanted_class);
    CHECK_EQ(slab->slot_count, size_class_table[wanted_class].slots);
    CHECK_EQ(slab->free_count, slab->slot_count);
    CHECK_EQ(slab->high_water, 0);
    CHECK(slab_is_idle(slab));
    slab_check(slab);
    CHECK(slab_slot_address(slab, slab->slot_count) <= span_end(slab->span));
    uint64_t steps = slab->slot_count >> slab->free_shift;
    CHECK(steps <= 15 && (steps >= 8 || slab->free_shift == 0));
    // Every slot once, and each leads back to itself from all its bytes.
    CHECK_EQ(slab_take(slab, slots, SLOTS_MAX), slab->slot_count);
    CHECK_EQ(slab->free_count, 0);
    CHECK_EQ(slab_take(slab, slots, 1), 0);
    for (uint32_t i = 0; i < slab->slot_count; i++) {
        uintptr_t at = slab_slot_address(slab, i), last = at + slab_bytes(slab) - 1;
        CHECK((uintptr_t)slots[slab->slot_count - 1 - i] == at);
        CHECK(slab_slot_of(slab, at) == i && slab_slot_of(slab, last) == i);
        CHECK(slab_slot_of(slab, at + slab_bytes(slab) / 2) == i);
    }
    slab_check(slab);
    for (uint32_t i = 0; i < slab->slot_count; i++)
        CHECK(give_one(slab, i));
    CHECK(slab_is_idle(slab));
}

static void lowest_first_in_stack_order(void) {
    struct slab *slab = start(size_class_of(64));
    CHECK_EQ(slab_take(slab, slots, 10), 10);
    for (uint32_t i = 0; i < 10; i++)
        CHECK_EQ(slot_of(slab, slots[9 - i]), i);  // the top of the stack is the lowest
    CHECK(give_one(slab, 7) && give_one(slab, 3) && give_one(slab, 0));
    CHECK_EQ(slab_take(slab, slots, 5), 5);
    const uint32_t expected[] = {11, 10, 7, 3, 0};
    for (uint32_t i = 0; i < 5; i++)
        CHECK_EQ(slot_of(slab, slots[i]), expected[i]);
    CHECK_EQ(slab_take(slab, slots, 0), 0);
    CHECK_EQ(slab_take(slab, slots, 2), 2);
    CHECK_EQ(slot_of(slab, slots[1]), 12);
    slab_check(slab);
}

// Slots are cut when they are needed: what lies above the mark was never touched.
static void cut_lazily(void) {
    struct slab *slab = start(size_class_of(1024));
    uint32_t     sum = 0;
    for (uint32_t i = 1; i < 8; i++) {
        sum += slab_take(slab, slots, i);
        for (uint32_t k = 0; k < i; k++)
            memset(slots[k], 1, 1024);
        CHECK_EQ(slab->high_water, sum);
        CHECK_EQ(fake_resident_in((void *)slab->base, span_bytes(slab->span)),
                 align_up(sum * 1024, 4096));
    }
    for (uint32_t i = 0; i < sum; i++)
        CHECK(give_one(slab, i));
    CHECK_EQ(slab->high_water, sum);
    CHECK_EQ(slab_take(slab, slots, sum), sum);  // used ones come first
    CHECK_EQ(slab->high_water, sum);
    slab_check(slab);
}

static void free_slots_are_not_written(void) {
    struct slab *slab = start(size_class_of(128));
    uint32_t     count = slab_take(slab, slots, SLOTS_MAX);
    for (uint32_t i = 0; i < count; i++)
        test_fill(slots[i], 128, i);
    for (uint32_t i = 0; i < count; i++)
        CHECK(give_one(slab, slot_of(slab, slots[i])));
    CHECK_EQ(slab_take(slab, slots, count), count);
    for (uint32_t i = 0; i < count; i++)
        CHECK(test_is_filled(slots[i], 128, i));
}

static void double_give_is_refused(void) {
    struct slab *slab = start(size_class_of(48));
    CHECK_EQ(slab_take(slab, slots, 200), 200);
    CHECK(!give_one(slab, 200));  // never taken
    CHECK(give_one(slab, 77));
    CHECK(!give_one(slab, 77));
    CHECK_EQ(slab->free_count, slab->slot_count - 199);
    slab_return_begin(slab);
    CHECK_EQ(slab_return_bits(slab, 1, 1), 0);  // slot 64
    CHECK(slab_return_end(slab));
    CHECK(!give_one(slab, 64));                // returned, not merged yet
    CHECK_EQ(slab_return_bits(slab, 1, 3), 1);  // the same slot, and 65
    CHECK_EQ(slab_return_bits(slab, 1, (uint64_t)1 << 13), (uint64_t)1 << 13);  // 77 is free
    CHECK(slab_slot_is_free(slab, 64) && slab_slot_is_free(slab, 77));
    CHECK(slab_slot_is_free(slab, 200) && !slab_slot_is_free(slab, 76));
}

static void merge(void *slab) {
    slab_merge(slab);
}

// Of two threads that free a slot at the same time both may pass the look: the merge tells it.
static void double_give_that_raced_is_told(void) {
    struct slab *slab = start(size_class_of(48));
    CHECK_EQ(slab_take(slab, slots, 200), 200);
    CHECK(give_one(slab, 77));
    slab_return_begin(slab);
    slab_returned(slab)[1] |= (uint64_t)1 << 13;
    CHECK(slab_return_end(slab));
    CHECK(death_expect(merge, slab,
                       config_debug
                           ? "tidemalloc: internal error: slab: a slot is both free and returned"
                           : "tidemalloc: free(0x*): double free of a 48-byte block"));
}

// R1..R3 and M2..M4 of the theory, one after the other.
static void returning_by_one_thread(void) {
    struct slab *slab = start(size_class_of(256));
    uint32_t     all = slab->slot_count;
    CHECK_EQ(slab_take(slab, slots, all), all);
    slab_return_begin(slab);
    CHECK_EQ(slab_return_bits(slab, 0, 0xff), 0);
    CHECK_EQ(slab_return_bits(slab, 2, 0x10), 0);
    CHECK(slab_return_end(slab));  // the first announces
    slab_return_begin(slab);
    CHECK_EQ(slab_return_bits(slab, 0, 0xff00), 0);
    CHECK(!slab_return_end(slab));  // it stands on the stack already
    CHECK_EQ(slab->free_count, 0);
    CHECK_EQ(slab_merge(slab), 17);
    CHECK_EQ(slab->free_count, 17);
    slab_check(slab);
    CHECK_EQ(slab_merge(slab), 0);
    slab_return_begin(slab);
    CHECK_EQ(slab_return_bits(slab, 1, 1), 0);
    CHECK(slab_return_end(slab));  // the merge took it off the stack
    CHECK_EQ(slab_merge(slab), 1);
    CHECK_EQ(slab_take(slab, slots, 1), 1);
    CHECK_EQ(slot_of(slab, slots[0]), 0);
}

static void never_idle_while_somebody_returns(void) {
    struct slab *slab = start(size_class_of(4096));
    CHECK_EQ(slab_take(slab, slots, 1), 1);
    CHECK(!slab_is_idle(slab));
    slab_return_begin(slab);
    CHECK_EQ(slab_return_bits(slab, 0, 1), 0);
    CHECK_EQ(slab_merge(slab), 1);  // somebody else's announcement brought us here
    CHECK_EQ(slab->free_count, slab->slot_count);
    CHECK(!slab_is_idle(slab));  // R3 is still to come
    CHECK(slab_return_end(slab));
    CHECK(!slab_is_idle(slab));  // announced
    CHECK_EQ(slab_merge(slab), 0);
    CHECK(slab_is_idle(slab));
    slab->busy = true;
    CHECK(!slab_is_idle(slab));
}

// --- holes --------------------------------------------------------------------------------------

static bool is_hole(struct slab *slab, uintptr_t page, size_t page_bytes) {
    for (uint32_t i = 0; i < slab->high_water; i++) {
        uintptr_t at = slab_slot_address(slab, i);
        if (at < page + page_bytes && at + slab_bytes(slab) > page && !slab_slot_is_free(slab, i))
            return false;
    }
    return true;
}

static void check_holes(struct slab *slab) {
    uint32_t  slot = 0;
    uintptr_t start_at, end, page = slab->base;
    size_t    page_bytes = os_page_bytes();
    while (slab_next_hole(slab, &slot, &start_at, &end)) {
        CHECK(start_at < end && is_aligned(start_at | end, page_bytes) && start_at >= page);
        for (; page < start_at; page += page_bytes)
            CHECK(!is_hole(slab, page, page_bytes) || page >= slab_touched_end(slab));
        for (; page < end; page += page_bytes)
            CHECK(is_hole(slab, page, page_bytes));
    }
    for (; page < slab_touched_end(slab); page += page_bytes)
        CHECK(!is_hole(slab, page, page_bytes));
}

static size_t wanted_page;

// Every whole page of free, once used slots, and no other, for runs of all lengths.
static void holes_of_any_class(void) {
    struct slab *slab = start(wanted_class);
    uint64_t     seed = wanted_class;
    fake_set_page_bytes(wanted_page);
    check_holes(slab);  // nothing was used
    for (unsigned round = 0; round < 6; round++) {
        slab_take(slab, slots, 1 + (uint32_t)(test_random(&seed) % SLOTS_MAX));
        for (uint32_t i = 0; i < slab->high_water;) {
            uint32_t length = 1 + (uint32_t)(test_random(&seed) % (1 + slab->slot_count / 4));
            bool     free = test_random(&seed) % 2;
            for (; length > 0 && i < slab->high_water; i++, length--)
                if (free)
                    give_one(slab, i);
        }
        check_holes(slab);
    }
    slab_take(slab, slots, SLOTS_MAX);
    check_holes(slab);
    for (uint32_t i = 0; i < slab->slot_count; i++)
        give_one(slab, i);
    check_holes(slab);
}

// Given back pages count while their slots stay free; what is taken again no longer does.
static void hole_bytes_shrink_with_takes(void) {
    struct slab *slab = start(size_class_of(1024));
    CHECK_EQ(slab_take(slab, slots, 32), 32);
    for (uint32_t i = 0; i < 31; i++)
        CHECK(give_one(slab, i));
    slab->hole_bytes = 7 * 4096;
    CHECK_EQ(slab_take(slab, slots, 3), 3);
    CHECK_EQ(slab->hole_bytes, 25 * 1024);
    CHECK_EQ(slab_take(slab, slots, 28), 28);
    CHECK_EQ(slab->hole_bytes, 0);
}

static void records_are_of_one_type_for_ever(void) {
    struct slab *small = start(size_class_of(32768)), *large;
    CHECK_EQ(small->word_count, 1);
    slab_delete(small);
    struct span *span = page_heap_take(&pages.heap, 1, 1);
    large = slab_new(span, NULL, size_class_of(16));
    CHECK(large != small);
    CHECK_EQ(large->word_count, 64);
    CHECK(slab_new(span, NULL, size_class_of(28672)) == small);
}

int main(void) {
    for (wanted_class = SMALL_CLASS_FIRST; wanted_class <= SMALL_CLASS_LAST; wanted_class++) {
        CASE(new_slab_of_any_class);
        wanted_page = wanted_class % 3 == 0 ? 4096 : wanted_class % 3 == 1 ? 16384 : 65536;
        CASE(holes_of_any_class);
    }
    wanted_class = size_class_of(48);
    wanted_page = 4096;
    CASE(holes_of_any_class);
    CASE(lowest_first_in_stack_order);
    CASE(cut_lazily);
    CASE(free_slots_are_not_written);
    CASE(double_give_is_refused);
    CASE(double_give_that_raced_is_told);
    CASE(returning_by_one_thread);
    CASE(never_idle_while_somebody_returns);
    CASE(hole_bytes_shrink_with_takes);
    CASE(records_are_of_one_type_for_ever);
    return 0;
}
