// unit/heap/test_fake_arena_return.c - the budget after a burst, decay, trim, life without memory.
#include "conf/options.h"
#include "heap/arena.h"
#include "heap/huge.h"
#include "tests/unit/heap/bins.h"

enum { SLOTS = 40000 };

static const uint64_t second = 1000000000;

static void *slots[SLOTS];

static void start(unsigned arenas) {
    fake_reset();
    CHECK_EQ(options_set(OPT_PURGE_BUDGET, MIB(2)), OPTION_OK);
    CHECK_EQ(options_set(OPT_PURGE_PERCENT, 0), OPTION_OK);
    arena_start(arenas, 2 * second, os_now_ns());
}

static uint32_t take(class_id id, void **out, uint32_t count) {
    uint32_t taken = 0, more;
    while (taken < count && (more = arena_take(id, out + taken, count - taken)) > 0)
        taken += more;
    return taken;
}

// As the callers do it: the give, and what follows when nothing is held.
static void give(class_id id, void **list, uint32_t count) {
    arena_give("free", id, list, count);
    arena_settle();
}

static size_t dirty_bytes(void) {
    struct counters totals = {{0}};
    arena_count(&totals);
    return totals.value[COUNTER_free_bytes];
}

static void touch(void *memory, size_t bytes) {
    memset(memory, 1, bytes);
}

// The last free of a burst leaves the process within its budget: no clock, no thread, no call more.
static void a_burst_of_small_blocks(void) {
    const class_id id = size_class_of(1024);
    start(2);
    CHECK_EQ(take(id, slots, SLOTS), SLOTS);
    for (unsigned i = 0; i < SLOTS; i++)
        touch(slots[i], 1024);
    CHECK(os_resident_bytes() > SLOTS * 1024);
    for (unsigned i = 0; i < SLOTS; i += 50) {
        give(id, slots + i, 50);
        CHECK_LE(dirty_bytes(), MIB(2));
    }
    CHECK_LE(os_resident_bytes(), MIB(3));
    arena_check();
}

static void a_burst_of_large_blocks(void) {
    static struct span *spans[200];
    start(2);
    for (unsigned i = 0; i < 200; i++) {
        spans[i] = arena_take_large(300000, 1);
        touch((void *)spans[i]->base, 300000);
    }
    for (unsigned i = 0; i < 200; i++) {
        arena_give_large(spans[(i * 77) % 200]);
        CHECK_LE(dirty_bytes(), MIB(2));
    }
    CHECK_LE(os_resident_bytes(), MIB(3));
    for (unsigned i = 0; i < 80; i++) {
        fake_advance(second / 16);
        arena_settle();
    }
    CHECK_EQ(dirty_bytes(), 0);
    // With the last page the data segment's end went back as well, but for the pad.
    CHECK_EQ(arena_at(0)->pages.source->committed_bytes, option(OPT_TOP_PAD));
    arena_check();
}

// What was purged and taken again widens the budget, for some seconds: not for ever.
static void regret_is_forgotten(void) {
    const class_id id = size_class_of(1024);
    fake_reset();
    CHECK_EQ(options_set(OPT_PURGE_BUDGET, MIB(2)), OPTION_OK);
    CHECK_EQ(options_set(OPT_PURGE_PERCENT, 0), OPTION_OK);
    arena_start(1, 0, os_now_ns());  // no decay: only the budget
    for (unsigned round = 0; round < 2; round++) {
        CHECK_EQ(take(id, slots, 20000), 20000);
        for (unsigned i = 0; i < 20000; i++)
            touch(slots[i], 1024);
        arena_give("free", id, slots, 20000);
        arena_keep_budget();
    }
    CHECK(dirty_bytes() > MIB(8));
    for (unsigned i = 0; i < 40; i++) {
        fake_advance(second);
        arena_keep_budget();
        arena_settle();
    }
    CHECK_LE(dirty_bytes(), MIB(2) + KIB(64));
    arena_check();
}

// A purge that was refused is not tried again at every free, and leaves everything whole.
static void a_burst_that_cannot_be_purged(void) {
    const class_id id = size_class_of(1024);
    start(2);
    CHECK_EQ(take(id, slots, SLOTS), SLOTS);
    fake_fail(FAKE_PURGE, 1, UINT32_MAX);
    for (unsigned i = 0; i < SLOTS; i += 1000)
        give(id, slots + i, 1000);
    CHECK(dirty_bytes() > MIB(30));
    arena_check();
    CHECK_LE(fake_count(FAKE_PURGE), 2);
    fake_fail(FAKE_PURGE, 1, 0);
    fake_advance(second + 1);
    arena_settle();
    CHECK_LE(dirty_bytes(), MIB(2));
    arena_check();
}

// Within the budget the clock decides: with traffic, what nobody used drains.
static void decay_with_traffic(void) {
    const class_id id = size_class_of(1024);
    void          *one;
    start(2);
    CHECK_EQ(take(id, slots, 1500), 1500);
    for (unsigned i = 0; i < 1500; i++)
        touch(slots[i], 1024);
    give(id, slots, 1500);
    CHECK(dirty_bytes() > MIB(1));
    for (unsigned i = 0; i < 80; i++) {
        fake_advance(second / 16);
        CHECK_EQ(take(id, &one, 1), 1);
        give(id, &one, 1);
    }
    CHECK_LE(dirty_bytes(), KIB(64));
    arena_check();
}

static void freed_mappings_age_with_traffic(void) {
    start(2);
    CHECK_EQ(options_set(OPT_HUGE_THRESHOLD, MIB(1)), OPTION_OK);  // said: nothing is learned
    huge_give(huge_take(MIB(4), 1));
    fake_advance(second / 2);
    arena_settle();
    CHECK_EQ(huge_cached_count(), 1);
    fake_advance(second);
    arena_settle();
    CHECK_EQ(huge_cached_count(), 0);
}

// Everything that is free goes: holes, dirty spans, regions, the end of the segment.
static void trim_gives_all_back(void) {
    const class_id id = size_class_of(1024);
    start(1);
    CHECK_EQ(take(id, slots, 1000), 1000);
    struct span *large = arena_take_large(700000, 1);
    for (unsigned i = 0; i < 1000; i++)
        test_fill(slots[i], 1024, i);
    touch((void *)large->base, 700000);
    arena_give_large(large);
    void *given[1000];
    for (unsigned i = 0; i < 1000; i++)
        given[i] = slots[i];
    give(id, given + 8, 992);
    CHECK(arena_trim(0) >= 700000);
    arena_check();
    CHECK_EQ(dirty_bytes(), 0);
    CHECK_LE(os_resident_bytes(), KIB(64));
    CHECK_EQ(arena_at(0)->pages.source->committed_bytes, arena_at(0)->pages.active_bytes);
    for (unsigned i = 0; i < 8; i++)
        CHECK(test_is_filled(slots[i], 1024, i));
    CHECK_EQ(arena_trim(0), 0);
    give(id, slots, 8);
    arena_trim(MIB(1));
    CHECK_EQ(arena_at(0)->pages.active_bytes, 0);
}

static void trim_keeps_the_pad(void) {
    start(1);
    CHECK_EQ(options_set(OPT_PURGE_BUDGET, MIB(16)), OPTION_OK);
    struct span *large = arena_take_large(MIB(3), 1);
    arena_give_large(large);
    arena_trim(MIB(1));
    CHECK_EQ(arena_at(0)->pages.source->committed_bytes, MIB(1));
    CHECK_EQ(dirty_bytes(), 0);
    arena_trim(0);
    CHECK_EQ(arena_at(0)->pages.source->committed_bytes, 0);
}

// --- without memory -----------------------------------------------------------------------------

// The data segment ends; the main arena goes on with mappings.
static void segment_exhausted(void) {
    const class_id id = size_class_of(1024);
    start(2);
    fake_break_place(16, MIB(2));
    CHECK_EQ(take(id, slots, 10000), 10000);
    CHECK(arena_at(0)->pages.source->exhausted);
    CHECK(arena_at(0)->map.source.region_count > 0);
    for (unsigned i = 0; i < 10000; i++)
        test_fill(slots[i], 64, i);
    for (unsigned i = 0; i < 10000; i++)
        CHECK(test_is_filled(slots[i], 64, i));
    give(id, slots, 10000);
    arena_trim(0);
    arena_check();
    CHECK_EQ(arena_at(0)->pages.active_bytes, 0);
}

static void everything_exhausted_and_recovery(void) {
    const class_id id = size_class_of(4096);
    start(3);
    fake_break_place(16, MIB(2));
    fake_fail(FAKE_MAP, 40, UINT32_MAX);
    fake_fail(FAKE_COMMIT, 3, UINT32_MAX);
    uint32_t taken = take(id, slots, SLOTS);
    CHECK(taken > 100 && taken < SLOTS);
    CHECK(arena_take_large(MIB(1), 1) == NULL);
    CHECK_EQ(arena_take(id, slots + taken, 1), 0);
    arena_check();
    give(id, slots, taken / 2);
    arena_check();
    memmove(slots, slots + taken / 2, (taken - taken / 2) * sizeof slots[0]);
    uint32_t rest = taken - taken / 2;
    CHECK(take(id, slots + rest, SLOTS - rest) >= taken / 2 - 64);  // what came back serves again
    fake_fail(FAKE_MAP, 1, 0);
    fake_fail(FAKE_COMMIT, 1, 0);
    CHECK_EQ(take(id, slots, 100), 100);
    CHECK(arena_take_large(MIB(1), 1) != NULL);
    arena_check();
}

// Freed mappings that wait for reuse are given up before anybody hears of no memory.
static void freed_mappings_are_given_up_first(void) {
    const class_id id = size_class_of(4096);
    start(1);
    CHECK_EQ(options_set(OPT_HUGE_THRESHOLD, MIB(1)), OPTION_OK);  // said: nothing is learned
    fake_break_place(16, KIB(512));
    while (!arena_at(0)->pages.source->exhausted)
        CHECK(arena_take_large(KIB(128), 1) != NULL);
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    fake_fail(FAKE_COMMIT, 1, UINT32_MAX);
    while (arena_take(id, slots, 1) == 1) {
    }
    fake_forget();
    CHECK_EQ(arena_take(id, slots, 1), 0);
    unsigned commits = fake_count(FAKE_COMMIT), maps = fake_count(FAKE_MAP);
    CHECK(commits + maps > 0);
    fake_fail(FAKE_MAP, 1, 0);
    huge_give(huge_take(MIB(8), 1));
    fake_fail(FAKE_COMMIT, 1, commits);
    fake_fail(FAKE_MAP, 1, maps);
    CHECK_EQ(arena_take(id, slots, 1), 1);
    CHECK_EQ(huge_cached_count(), 0);
}

static void reclaim_before_giving_up(void) {
    start(1);
    CHECK_EQ(options_set(OPT_PURGE_BUDGET, MIB(16)), OPTION_OK);
    CHECK(!arena_reclaim(MIB(1)));  // there is nothing
    struct span *large = arena_take_large(MIB(3), 1);
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    CHECK(!arena_reclaim(MIB(8)));  // what is free would not be enough
    fake_fail(FAKE_MAP, 1, 0);
    arena_give_large(large);
    CHECK(arena_reclaim(MIB(8)));  // with what the kernel gives it is
    arena_give_large(arena_take_large(MIB(3), 1));
    CHECK(arena_reclaim(MIB(2)));
    CHECK_EQ(arena_at(0)->pages.source->committed_bytes, 0);
    CHECK(!arena_reclaim(1));
    huge_give(huge_take(MIB(4), 1));
    arena_reclaim(MIB(100));
    CHECK_EQ(huge_cached_count(), 0);  // freed mappings count whatever the need
}

int main(void) {
    CASE(a_burst_of_small_blocks);
    CASE(a_burst_of_large_blocks);
    CASE(regret_is_forgotten);
    CASE(a_burst_that_cannot_be_purged);
    CASE(decay_with_traffic);
    CASE(freed_mappings_age_with_traffic);
    CASE(trim_gives_all_back);
    CASE(trim_keeps_the_pad);
    CASE(segment_exhausted);
    CASE(everything_exhausted_and_recovery);
    CASE(freed_mappings_are_given_up_first);
    CASE(reclaim_before_giving_up);
    return 0;
}
