// unit/heap/test_fake_arena_tide.c - what one call gives back of the free slots of slabs in use.
#include "conf/options.h"
#include "heap/arena.h"
#include "tests/unit/heap/bins.h"

enum { SLOTS = 768, SLOT_BYTES = 65536, KEEP_ONE_IN = 4 };

static const uint64_t decay = 2000000000, step = 2000000000 / DECAY_STEPS;

#define FREE_BYTES ((size_t)SLOTS / KEEP_ONE_IN * (KEEP_ONE_IN - 1) * SLOT_BYTES)
#define CALL_MOST  (MIB(2) + (KEEP_ONE_IN - 1) * SLOT_BYTES)  // a slab more

static void *slots[SLOTS];

static void take_all(void) {
    class_id id = size_class_of(SLOT_BYTES);
    fake_reset();
    CHECK_EQ(options_set(OPT_PURGE_BUDGET, MIB(8)), OPTION_OK);
    CHECK_EQ(options_set(OPT_PURGE_PERCENT, 0), OPTION_OK);
    arena_start(1, decay, os_now_ns());
    for (uint32_t i = 0; i < SLOTS; i++) {
        CHECK_EQ(arena_take(id, &slots[i], 1), 1);
        test_fill(slots[i], SLOT_BYTES, i);
    }
}

// Of the first `count` slots all but one in each slab become free.
static void give_some(uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (i % KEEP_ONE_IN != 0)
            arena_give("free", size_class_of(SLOT_BYTES), &slots[i], 1);
    fake_forget();
}

// Slabs of which all but one slot are free, and no step has gone by.
static void start(void) {
    take_all();
    give_some(SLOTS);
}

static void check_kept(void) {
    for (uint32_t i = 0; i < SLOTS; i += KEEP_ONE_IN)
        CHECK(test_is_filled(slots[i], SLOT_BYTES, i));
}

static uint64_t slack(void) {
    return bin_slack(&arena_at(0)->bins[size_class_of(SLOT_BYTES)]);
}

// Much more than may be is free: all of it goes at once, but no call does more than a piece.
static void no_call_gives_all_of_it(void) {
    start();
    CHECK_EQ(slack(), FREE_BYTES);
    unsigned calls = 0;
    fake_advance(2 * step);
    for (size_t before = 0, given = 1; given > before; calls++) {
        before = fake_purged_bytes();
        arena_settle();
        given = fake_purged_bytes();
        CHECK_LE(given - before, CALL_MOST);
    }
    CHECK(calls > 4);
    CHECK(slack() < FREE_BYTES / 4);
    check_kept();
}

// The maintenance thread need not stop after a piece.
static void who_delays_nobody_gives_all_of_it(void) {
    start();
    fake_advance(2 * step);
    arena_settle();
    CHECK_LE(fake_purged_bytes(), CALL_MOST);
    arena_drain();
    CHECK(slack() < FREE_BYTES / 4);
    size_t given = fake_purged_bytes();
    arena_drain();
    CHECK_EQ(fake_purged_bytes(), given);
    check_kept();
}

// A program may free much between two ticks, after a look that found nothing.
static void much_goes_before_the_tick(void) {
    take_all();
    fake_advance(2 * step);
    arena_settle();
    give_some(SLOTS);
    arena_settle();
    CHECK_EQ(fake_purged_bytes(), 0);
    fake_advance(step / 4);
    arena_settle();
    CHECK(fake_purged_bytes() > 0);
    arena_drain();
    CHECK(slack() < FREE_BYTES / 4);
    check_kept();
}

// Less than three times the 4 MiB that may be free can wait.
static void little_waits_for_the_tick(void) {
    take_all();
    fake_advance(2 * step);
    arena_settle();
    give_some(SLOTS / 4);
    CHECK(slack() > MIB(4));
    fake_advance(step / 4);
    arena_settle();
    CHECK_EQ(fake_purged_bytes(), 0);
    for (unsigned i = 0; i < 4; i++) {
        fake_advance(step);
        arena_settle();
    }
    CHECK(fake_purged_bytes() > 0);
    check_kept();
}

int main(void) {
    CASE(much_goes_before_the_tick);
    CASE(little_waits_for_the_tick);
    CASE(no_call_gives_all_of_it);
    CASE(who_delays_nobody_gives_all_of_it);
    return 0;
}
