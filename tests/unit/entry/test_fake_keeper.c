// unit/entry/test_fake_keeper.c - when the maintenance thread starts, what its rounds give back,
// and what it does under pressure. The thread is this one: keeper_step by hand, the clock too.
#include "entry/keeper.h"

#include "conf/options.h"
#include "heap/arena.h"
#include "heap/huge.h"
#include "local/thread.h"
#include "tests/support/fake_os.h"
#include "tests/unit/cases.h"
#include "tests/unit/check_text.h"

static const uint64_t           second = 1000000000;
static const struct parked_code code = {0x10000, 0x20000};

enum { SPANS = 400 };
static struct span *spans[SPANS];

static void start(const char *setting, const char *more) {
    char *environment[] = {(char *)setting, (char *)more, NULL};
    fake_reset();
    options_start(environment);
    keeper_state = KEEPER_OFF;
    arena_start(1, option(OPT_DECAY) * 1000000, os_now_ns());
    thread_root.phase = THREAD_LIVE;
    keeper_arm();
}

static void take(unsigned count) {
    for (unsigned i = 0; i < count; i++)
        CHECK((spans[i] = arena_take_large(KIB(64), 1)) != NULL);
}

static void give(unsigned count) {
    for (unsigned i = 0; i < count; i++)
        arena_give_large(spans[i]);
}

static bool starts(void) {
    unsigned before = fake_count(FAKE_THREAD_START);
    keeper_poll(code);
    return fake_count(FAKE_THREAD_START) > before;
}

static void not_unasked(void) {
    start(NULL, NULL);
    take(100);
    CHECK(!starts());
}

static void with_the_heap(void) {
    start("TIDE_BACKGROUND=1", NULL);
    CHECK(!starts());
    take(63);
    CHECK(!starts());
    thread_root.phase = THREAD_STARTING;
    take(1);
    CHECK(!starts());
    thread_root.phase = THREAD_NEW;  // one that never had a small block
    keeper_fork_prepare();
    CHECK(!starts());
    keeper_fork_parent();
    CHECK(starts());
    CHECK_TEXT(fake_started_thread(), "tidemalloc");
    CHECK(!starts());
}

static void with_the_surplus(void) {
    start("TIDE_BACKGROUND=1", NULL);
    take(40);
    give(15);
    CHECK(!starts());
    CHECK_EQ(arena_surplus(), 15 * KIB(64));
    arena_give_large(spans[15]);
    CHECK(starts());  // a surplus of 1 MiB
}

static void in_a_forked_child(void) {
    start("TIDE_BACKGROUND=1", NULL);
    take(100);
    give(50);
    CHECK(starts());
    keeper_fork_prepare();
    keeper_fork_child();
    CHECK(!starts());
    take(50);
    CHECK(!starts());  // what was there at the fork, used again
    for (unsigned i = 0; i < 64; i++)
        CHECK(arena_take_large(KIB(64), 1) != NULL);
    CHECK(starts());
}

static void not_in_a_child_of_one_without(void) {
    start(NULL, NULL);
    keeper_fork_prepare();
    keeper_fork_child();
    CHECK(keeper_state == KEEPER_OFF);
}

static void refuse(unsigned times) {
    take(70);
    fake_fail(FAKE_THREAD_START, 1, times);
    fake_fail_with(FAKE_THREAD_START, 11);
}

static void starts_after(unsigned polls) {
    for (unsigned i = 0; i < polls; i++)
        CHECK(!starts());
    CHECK(starts());
}

static void no_thread_to_be_had(void) {
    start("TIDE_BACKGROUND=1", NULL);
    refuse(3);
    starts_after(0);
    starts_after(64);
    starts_after(128);
    starts_after(256);
    CHECK(keeper_state == KEEPER_STARTED);
    CHECK_TEXT(fake_output(), "");
    CHECK(!starts());
}

static void no_thread_and_verbose(void) {
    start("TIDE_BACKGROUND=1", "TIDE_VERBOSE=1");
    refuse(2);
    starts_after(0);
    starts_after(64);
    CHECK_TEXT(fake_output(), "tidemalloc: no maintenance thread yet (error 11): memory goes back "
                              "at calls only\n");
    starts_after(128);
}

// The child's own tries begin anew.
static void no_thread_and_a_fork(void) {
    start("TIDE_BACKGROUND=1", NULL);
    refuse(1);
    starts_after(0);
    keeper_fork_prepare();
    keeper_fork_child();
    for (unsigned i = 0; i < 64; i++)
        CHECK(arena_take_large(KIB(64), 1) != NULL);
    starts_after(0);
}

// Free spans within the budget, and a freed mapping: all goes in the decay time and a little.
static void gives_back(void) {
    start("TIDE_BACKGROUND=1", NULL);
    take(200);
    struct span *huge = huge_take(MIB(8), 1);
    CHECK(huge != NULL && starts());
    give(200);
    huge_give(huge);
    CHECK(arena_surplus() > MIB(8));
    uint64_t begin = os_now_ns();
    unsigned steps = 0;
    for (; arena_surplus() > 0 && steps < 100; steps++)
        keeper_step();
    CHECK_EQ(arena_surplus(), 0);
    CHECK(os_now_ns() - begin <= 3 * second);
    CHECK_LE(steps, 24);
}

static void under_pressure(void) {
    start("TIDE_BACKGROUND=1", "TIDE_DECAY=1h");
    take(200);
    struct span *huge = huge_take(MIB(8), 1);
    CHECK(huge != NULL && starts());
    give(150);
    huge_give(huge);
    fake_press(1);
    CHECK(arena_surplus() > MIB(16));
    keeper_step();
    CHECK_EQ(arena_surplus(), 0);
    for (unsigned i = 150; i < 160; i++)  // for a while hardly anything stays
        arena_give_large(spans[i]);
    CHECK_LE(arena_surplus(), KIB(256));
    uint64_t until = os_now_ns() + 5 * second;
    while (os_now_ns() < until)
        keeper_step();
    for (unsigned i = 160; i < 200; i++)
        arena_give_large(spans[i]);
    CHECK_LE(MIB(2), arena_surplus());
}

// At rest, with no surplus, it hears of pressure where caches or free slots may be taken. (Else it
// sleeps for good, and so would this test.)
static void hears_at_rest(uint64_t caches, uint64_t slots) {
    start("TIDE_BACKGROUND=1", NULL);
    take(100);
    CHECK(starts());
    page_gauge_caches.room_bytes = caches;
    fake_press(0);
    for (unsigned i = 0; i < 100; i++) {
        arena_purge()->gauge.slack_bytes = slots;
        keeper_step();
    }
    CHECK(!purge_is_pressed(arena_purge()));
    arena_purge()->gauge.slack_bytes = slots;
    fake_press(1);
    keeper_step();
    CHECK_EQ(arena_surplus(), 0);
    CHECK(purge_is_pressed(arena_purge()));
}

static void under_pressure_with_caches(void) {
    hears_at_rest(MIB(16), 0);
}

static void under_pressure_with_free_slots(void) {
    hears_at_rest(0, MIB(16));
}

static uint64_t wait_of_a_step(void) {
    uint64_t begin = os_now_ns();
    keeper_step();
    return os_now_ns() - begin;
}

// What never drains is looked at ever more seldom, until something changes.
static void rests_beside_what_stays(void) {
    start("TIDE_BACKGROUND=1", "TIDE_DECAY=off");
    take(100);
    CHECK(starts());
    give(40);
    unsigned steps = 0;
    while (wait_of_a_step() < 10 * second && steps < 100)
        steps++;
    CHECK(steps >= 32 && steps < 40);
    CHECK(wait_of_a_step() == 10 * second);
    for (unsigned i = 40; i < 60; i++)
        arena_give_large(spans[i]);
    keeper_step();
    CHECK_LE(wait_of_a_step(), second / 2);
}

static struct {
    uint64_t           stack[100];
    struct thread_root root;
} other;

// Another thread has a cache, and sleeps.
static struct cache *cache_of_sleeper(int number) {
    struct cache *cache = caches_new();
    CHECK(cache != NULL);
    other.root.phase = THREAD_LIVE;
    other.root.cache = other.root.pops = cache;
    caches_own(cache, &other.root, number);
    fake_sleep(number, (uintptr_t)other.stack);
    return cache;
}

// The cache of a thread that did not run for a while.
static void takes_idle_caches(void) {
    enum { NUMBER = 7 };
    start("TIDE_BACKGROUND=1", NULL);
    take(70);
    CHECK(starts());
    struct cache *cache = cache_of_sleeper(NUMBER);
    uint64_t until = os_now_ns() + 3 * second;
    while (os_now_ns() < until) {
        fake_run(NUMBER, 1000);
        keeper_step();
    }
    CHECK(other.root.cache == cache);
    until = os_now_ns() + 5 * second;
    while (os_now_ns() < until && !other.root.taken)
        keeper_step();
    CHECK(other.root.taken && other.root.cache == CACHE_NONE);
    CHECK_EQ(fake_resident_in(cache, CACHE_AREA_BYTES), 0);
}

enum { ROUNDS = 32 };
static unsigned rounds;  // of the thread before something comes

static void step_for_rounds(void) {
    start("TIDE_BACKGROUND=1", NULL);
    take(200);
    CHECK(starts());
    for (unsigned i = 0; i < rounds; i++)
        keeper_step();
}

// What comes right before it would sleep, too young to go at once, goes as if it came sooner.
static void what_comes_late_goes(void) {
    step_for_rounds();
    give(8);
    uint64_t until = os_now_ns() + 10 * second;
    while (arena_surplus() > 0 && os_now_ns() < until)
        keeper_step();
    CHECK_EQ(arena_surplus(), 0);
}

// A cache that comes after the last look at caches.
static void a_late_cache_is_taken(void) {
    enum { NUMBER = 8 };
    step_for_rounds();
    cache_of_sleeper(NUMBER);
    arena_call_keeper();
    uint64_t until = os_now_ns() + 10 * second;
    while (os_now_ns() < until && !other.root.taken)
        keeper_step();
    CHECK(other.root.taken);
}

int main(void) {
    CASE(not_unasked);
    CASE(with_the_heap);
    CASE(with_the_surplus);
    CASE(in_a_forked_child);
    CASE(not_in_a_child_of_one_without);
    CASE(no_thread_to_be_had);
    CASE(no_thread_and_verbose);
    CASE(no_thread_and_a_fork);
    CASE(gives_back);
    CASE(under_pressure);
    CASE(under_pressure_with_caches);
    CASE(under_pressure_with_free_slots);
    CASE(rests_beside_what_stays);
    CASE(takes_idle_caches);
    for (rounds = 0; rounds < ROUNDS; rounds++) {
        CASE(what_comes_late_goes);
        CASE(a_late_cache_is_taken);
    }
    return 0;
}
