// unit/heap/test_fake_hollow.c - pages given back inside slabs in use, and the figures of a bin.
#include "heap/hollow.h"
#include "tests/unit/heap/bins.h"

enum { SLOTS_MAX = 4096 };

static struct pages pages;
static struct bin   bin;
static void        *slots[SLOTS_MAX];  // by address
static uint32_t     count;
static size_t       bytes;  // of a slot

// So many full slabs, every slot filled with its number.
static void start(size_t slot_bytes, uint32_t slabs) {
    class_id id = size_class_of(slot_bytes);
    pages_start(&pages);
    bin_init(&bin, id, &pages.heap, NULL);
    bytes = class_bytes(id);
    count = slabs * size_class_table[id].slots;
    for (uint32_t i = 0; i < count; i++)
        CHECK_EQ(bins_take(&bin, &slots[i], 1), 1);
    for (uint32_t i = 0; i < count; i++)
        test_fill(slots[i], bytes, i);
    fake_forget();
}

// The slots outside [from, to) hold what was written.
static void check_rest(uint32_t from, uint32_t to) {
    for (uint32_t i = 0; i < count; i++)
        if (i < from || i >= to)
            CHECK(test_is_filled(slots[i], bytes, i));
}

static void give(uint32_t from, uint32_t to) {
    void *list[SLOTS_MAX];
    for (uint32_t i = from; i < to; i++)
        list[i - from] = slots[i];
    CHECK_EQ(bins_give(&bin, list, to - from), 0);
}

// 4 slots a page: a page goes when all four are free, and only then.
static void whole_free_pages_go(void) {
    start(1024, 2);
    give(5, 18);  // half of page 1, pages 2 and 3, half of page 4
    CHECK_EQ(hollow_trim(&bin), 2 * 4096);
    CHECK(fake_was_purged(slots[8], 2 * 4096));
    CHECK_EQ(fake_purged_bytes(), 2 * 4096);
    CHECK_EQ(fake_count(FAKE_PURGE), 1);  // one call for a run of pages
    CHECK_EQ(fake_resident_in(slots[8], 2 * 4096), 0);
    check_rest(8, 16);
    CHECK_EQ(bin.hole_bytes, 2 * 4096);
    bin_check(&bin);
    CHECK_EQ(hollow_trim(&bin), 0);  // nothing new
    void *again[8];
    CHECK_EQ(bins_take(&bin, again, 8), 8);
    CHECK_EQ(bin.hole_bytes, 0);
    for (unsigned i = 0; i < 8; i++)
        memset(again[i], 1, bytes);
    check_rest(5, 18);
}

static void more_holes_later(void) {
    start(1024, 1);
    give(0, 8);
    CHECK_EQ(hollow_trim(&bin), 2 * 4096);
    give(8, 32);
    CHECK_EQ(hollow_trim(&bin), 6 * 4096);  // only what is new
    CHECK_EQ(bin.hole_bytes, 8 * 4096);
    check_rest(0, 32);
    give(32, count);
    CHECK_EQ(bin.slab_count, 0);
    CHECK_EQ(bin.hole_bytes, 0);
    CHECK_EQ(bin.touched, 0);
    // The span's figures know that half of it is not resident.
    CHECK_EQ(pages.heap.dirty_bytes, GRANULE - 8 * 4096);
}

static void slots_larger_than_pages(void) {
    start(12288, 1);
    give(3, 4);
    CHECK_EQ(hollow_trim(&bin), 12288);
    CHECK(fake_was_purged(slots[3], 12288));
    check_rest(3, 4);
}

static void slots_that_do_not_fit_pages(void) {
    start(48, 1);
    give(100, 400);
    uintptr_t from = align_up((uintptr_t)slots[100], 4096);
    uintptr_t to = align_down((uintptr_t)slots[400], 4096);
    CHECK_EQ(hollow_trim(&bin), to - from);
    CHECK(fake_was_purged((void *)from, to - from));
    check_rest(100, 400);
}

// What was returned without the lock counts, and what was never used does not.
static void merges_first_and_stops_at_the_mark(void) {
    start(1024, 1);
    give(count / 2, count);
    void *list[8];
    for (unsigned i = 0; i < 8; i++)
        list[i] = slots[i];
    bin_return("free", bin.id, list, 8);
    CHECK_EQ(hollow_trim(&bin), 2 * 4096 + count / 2 * 1024);
    bin_check(&bin);
    void      *fresh;
    struct bin other;
    bin_init(&other, bin.id, &pages.heap, NULL);
    CHECK_EQ(bins_take(&other, &fresh, 1), 1);
    CHECK_EQ(hollow_trim(&other), 0);
}

static void failing_purge_gives_nothing(void) {
    start(1024, 1);
    give(0, 8);
    give(16, 24);
    fake_fail(FAKE_PURGE, 1, 1);
    CHECK_EQ(hollow_trim(&bin), 2 * 4096);
    CHECK_EQ(bin.hole_bytes, 2 * 4096);
    fake_fail(FAKE_PURGE, 1, UINT32_MAX);
    CHECK_EQ(hollow_trim(&bin), 0);
    fake_fail(FAKE_PURGE, 1, 0);
    CHECK(hollow_trim(&bin) >= 2 * 4096);
    CHECK_EQ(bin.hole_bytes, 4 * 4096);
    bin_check(&bin);
}

// All slabs are visited, whatever becomes of their order on the way.
static void many_slabs(void) {
    start(256, 12);
    uint32_t in_slab = count / 12, expected = 0;
    for (uint32_t i = 0; i < 12; i++) {
        give(i * in_slab, i * in_slab + 16 * (i + 1));
        expected += 4096 * (i + 1);
    }
    CHECK_EQ(hollow_trim(&bin), expected);
    CHECK_EQ(bin.hole_bytes, expected);
    bin_check(&bin);
}

// --- unasked -------------------------------------------------------------------------------------

static struct hollow_work work;

// So many steps of the decay later.
static void drain_after(uint32_t steps, size_t bytes_most, uint32_t visits) {
    pages.gauge.step += steps;
    work = (struct hollow_work){bytes_most, visits, pages.gauge.step, HOLLOW_QUIET};
    hollow_drain(&bin, &work);
    bin_check(&bin);
}

static void only_what_was_left_alone(void) {
    start(1024, 2);
    give(0, 32);
    drain_after(3, SIZE_MAX, 100);
    CHECK_EQ(bin.hole_bytes, 0);
    drain_after(1, SIZE_MAX, 100);
    CHECK_EQ(bin.hole_bytes, 8 * 4096);
    CHECK_EQ(SIZE_MAX - work.bytes, 8 * 4096);
    check_rest(0, 32);
}

// What is not worth a call stays, for a trim to find.
static void only_what_is_worth_it(void) {
    start(1024, 1);
    give(0, 12);
    drain_after(100, SIZE_MAX, 100);
    CHECK_EQ(fake_count(FAKE_PURGE), 0);
    give(12, 16);
    drain_after(1, SIZE_MAX, 100);
    CHECK_EQ(fake_count(FAKE_PURGE), 1);
    give(16, 20);  // a page more: no eighth of the slab
    drain_after(100, SIZE_MAX, 100);
    CHECK_EQ(fake_count(FAKE_PURGE), 1);
    CHECK_EQ(hollow_trim(&bin), 4096);
}

// What is taken again waits twice as long each time.
static void what_comes_back_waits_longer(void) {
    void *again[32];
    start(1024, 1);
    give(0, 32);
    drain_after(4, SIZE_MAX, 100);
    for (unsigned round = 0; round < 6; round++) {
        uint32_t wait = 4u << (round < 2 ? round + 1 : 2);
        CHECK_EQ(bin.hole_bytes, 8 * 4096);
        CHECK_EQ(bins_take(&bin, again, 32), 32);
        CHECK_EQ(bin.hole_missed, (round + 1) * 8 * 4096);
        CHECK_EQ(bins_give(&bin, again, 32), 0);
        drain_after(wait - 1, SIZE_MAX, 100);
        CHECK_EQ(bin.hole_bytes, 0);
        drain_after(1, SIZE_MAX, 100);
    }
}

static void a_trim_teaches_nothing(void) {
    void *again[32];
    start(1024, 1);
    give(0, 32);
    CHECK_EQ(hollow_trim(&bin), 8 * 4096);
    CHECK_EQ(bins_take(&bin, again, 32), 32);
    CHECK_EQ(bin.hole_missed, 0);
    CHECK_EQ(bins_give(&bin, again, 32), 0);
    drain_after(4, SIZE_MAX, 100);
    CHECK_EQ(bin.hole_bytes, 8 * 4096);
}

// The end of one slab and the start of the next are one call.
static void neighbours_join(void) {
    start(1024, 3);
    for (uint32_t i = 0; i < 3; i++) {
        give(i * 64, i * 64 + 16);
        give(i * 64 + 48, i * 64 + 64);
    }
    drain_after(4, SIZE_MAX, 100);
    CHECK_EQ(fake_count(FAKE_PURGE), 4);
    CHECK_EQ(bin.hole_bytes, 3 * 32 * 1024);
    CHECK(fake_was_purged(slots[48], 32 * 1024));
    for (uint32_t i = 0; i < 3 * 64; i++)
        if (i % 64 >= 16 && i % 64 < 48)
            CHECK(test_is_filled(slots[i], bytes, i));
}

// Eight slabs, a hole in the middle of each; the purge of the third is refused so many times.
static void punch_eight(unsigned refused) {
    start(1024, 8);
    uint64_t calls = counters_process.value[COUNTER_hole_purges];
    for (uint32_t i = 0; i < 8; i++)
        give(i * 64 + 16, i * 64 + 48);
    fake_fail(FAKE_PURGE, 3, refused);
    drain_after(4, SIZE_MAX, 100);
    CHECK_EQ(counters_process.value[COUNTER_hole_purges], calls + 1 + refused);
    CHECK_EQ(bin.hole_bytes, (8 - refused) * 32 * 1024);
    CHECK_EQ(fake_resident_in(slots[2 * 64 + 16], 32 * 1024), refused * 32 * 1024);
    CHECK_EQ(fake_resident_in(slots[3 * 64 + 16], 32 * 1024), 0);
}

static void holes_of_many_slabs_are_one_call(void) {
    punch_eight(0);
}

static void a_refusal_is_of_one_hole(void) {
    punch_eight(1);
}

// A look ends where its bounds are, and the next goes on there.
static void in_small_steps(void) {
    start(1024, 40);
    for (uint32_t i = 0; i < 40; i++)
        give(i * 64 + 8, i * 64 + 56);
    drain_after(4, 1, 100);  // one call's slabs
    CHECK(bin.hole_bytes > 0 && bin.hole_bytes < 40 * 12 * 4096);
    for (unsigned i = 0; i < 40; i++) {
        uint64_t before = bin.hole_bytes;
        drain_after(0, SIZE_MAX, 1);
        CHECK_LE(bin.hole_bytes - before, 12 * 4096);
    }
    CHECK_EQ(bin.hole_bytes, 40 * 12 * 4096);
    CHECK_EQ(fake_purged_bytes(), 40 * 12 * 4096);
}

// Who has seen all looks at nothing until something is given.
static void nothing_new_costs_nothing(void) {
    start(1024, 2);
    give(0, 32);
    CHECK_EQ(hollow_trim(&bin), 8 * 4096);
    lock_acquire(&bin.lock);  // which a second look would wait for
    CHECK_EQ(hollow_trim(&bin), 0);
    work = (struct hollow_work){SIZE_MAX, 100, 100, HOLLOW_QUIET};
    hollow_drain(&bin, &work);
    lock_release(&bin.lock);
    give(32, 36);
    CHECK_EQ(hollow_trim(&bin), 4096);
}

// --- figures ------------------------------------------------------------------------------------

static struct counters figures(void) {
    struct counters totals = {{0}};
    bin_count(&bin, &totals);
    return totals;
}

static void figures_of_a_bin(void) {
    start(1024, 1);
    struct counters now = figures();
    CHECK_EQ(now.value[COUNTER_small_bytes], count * 1024);
    CHECK_EQ(now.value[COUNTER_slabs], 1);
    CHECK_EQ(now.value[COUNTER_slack_bytes], 0);
    give(0, 8);
    now = figures();
    CHECK_EQ(now.value[COUNTER_small_bytes], (count - 8) * 1024);
    CHECK_EQ(now.value[COUNTER_slack_bytes], 8 * 1024);
    CHECK_EQ(now.value[COUNTER_returned_bytes], 0);
    hollow_trim(&bin);
    now = figures();
    CHECK_EQ(now.value[COUNTER_slack_bytes], 0);
    CHECK_EQ(now.value[COUNTER_returned_bytes], 8 * 1024);
    give(8, 10);
    now = figures();
    CHECK_EQ(now.value[COUNTER_slack_bytes], 2 * 1024);
    give(10, count);
    now = figures();
    CHECK_EQ(now.value[COUNTER_small_bytes] + now.value[COUNTER_slack_bytes] +
                 now.value[COUNTER_returned_bytes] + now.value[COUNTER_slabs],
             0);
}

// Slots that were never cut are no slack: their pages are untouched.
static void uncut_slots_are_no_slack(void) {
    void *some[3];
    start(1024, 0);
    CHECK_EQ(bins_take(&bin, some, 3), 3);
    CHECK_EQ(figures().value[COUNTER_small_bytes], 3 * 1024);
    CHECK_EQ(figures().value[COUNTER_slack_bytes], 0);
}

int main(void) {
    CASE(whole_free_pages_go);
    CASE(more_holes_later);
    CASE(slots_larger_than_pages);
    CASE(slots_that_do_not_fit_pages);
    CASE(merges_first_and_stops_at_the_mark);
    CASE(failing_purge_gives_nothing);
    CASE(many_slabs);
    CASE(only_what_was_left_alone);
    CASE(only_what_is_worth_it);
    CASE(what_comes_back_waits_longer);
    CASE(a_trim_teaches_nothing);
    CASE(neighbours_join);
    CASE(holes_of_many_slabs_are_one_call);
    CASE(a_refusal_is_of_one_hole);
    CASE(in_small_steps);
    CASE(nothing_new_costs_nothing);
    CASE(figures_of_a_bin);
    CASE(uncut_slots_are_no_slack);
    return 0;
}
