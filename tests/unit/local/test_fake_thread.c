// unit/local/test_fake_thread.c - phases of a thread: births that fail, caches off, late frees.
#include "conf/options.h"
#include "local/thread.h"
#include "tests/support/fake_os.h"
#include "tests/unit/cases.h"
#include "tests/unit/local/caches.h"

static const uint64_t second = 1000000000;
static const class_id id = 4;

static void start(void) {
    fake_reset();
    arena_start(2, 2 * second, os_now_ns());
}

static void check_bare(enum thread_phase phase) {
    CHECK(caches_mine() == NULL);
    CHECK(thread_root.cache == CACHE_NONE);
    CHECK_EQ(thread_root.phase, phase);
}

static void nothing_before_the_hook(void) {
    start();
    check_bare(THREAD_NEW);
    CHECK(!fake_thread_is_armed());
    CHECK(thread_hooks());
    struct cache *cache = caches_mine();
    CHECK(cache != NULL && thread_root.cache == cache);
    CHECK_EQ(thread_root.phase, THREAD_LIVE);
    CHECK(fake_thread_is_armed());
    CHECK(caches_mine() == cache);
}

// The exit hook drains; what comes later goes straight to the arenas, for ever.
static void late_frees_do_not_resurrect(void) {
    void *slots[100];
    start();
    CHECK(thread_hooks());
    struct cache *cache = caches_mine();
    for (unsigned i = 0; i < 100; i++)
        slots[i] = caches_take(cache, id);
    for (unsigned i = 0; i < 90; i++)
        caches_give(cache, id, slots[i]);
    fake_thread_exit();
    CHECK_EQ(cache->seat->state, CACHE_UNUSED);
    CHECK_EQ(arena_at(0)->bins[id].taken, 10);
    CHECK(*thread_root.cache->top[id] == NULL);
    CHECK(!cache_has_room(thread_root.cache->top[id]));
    for (unsigned i = 0; i < 3; i++)
        check_bare(THREAD_BARE);
    CHECK(!fake_thread_is_armed());
    arena_give("free", id, slots + 90, 10);
    CHECK_EQ(arena_at(0)->pages.active_bytes, 0);
}

static void no_key_left(void) {
    start();
    fake_fail(FAKE_THREAD_HOOK, 1, 1);
    CHECK(!thread_hooks());
    check_bare(THREAD_NEW);
    CHECK(thread_hooks());
    CHECK(caches_mine() != NULL);
}

// A birth that fails is tried again at the next slow path, and leaves nothing behind.
static void births_that_fail(void) {
    start();
    CHECK(thread_hooks());
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    check_bare(THREAD_NEW);
    fake_fail(FAKE_MAP, 1, 0);
    fake_fail(FAKE_THREAD_HOOK, 1, 3);
    for (unsigned i = 0; i < 3; i++)
        check_bare(THREAD_NEW);
    CHECK_EQ(caches_slots(id), 0);
    struct cache *cache = caches_mine();
    CHECK(cache != NULL);
    CHECK(caches_new() != cache);
}

static void check_off(enum option_id option_off, uint64_t value, uint64_t other) {
    start();
    CHECK(thread_hooks());
    POKE(&options_page.values[option_off], value);
    check_bare(THREAD_BARE);
    CHECK(!fake_thread_is_armed());
    POKE(&options_page.values[option_off], other);
    check_bare(THREAD_BARE);  // decided once a thread
}

static void off_by_cache(void) {
    check_off(OPT_CACHE, 0, MIB(1));
}
static void off_by_total(void) {
    check_off(OPT_CACHE_TOTAL, 0, MIB(1));
}
static void off_by_perturb(void) {
    check_off(OPT_PERTURB, 165, 0);
}

static void calls_during_start(void) {
    start();
    CHECK(thread_hooks());
    enum thread_phase before = thread_start_begin();
    CHECK_EQ(before, THREAD_NEW);
    check_bare(THREAD_STARTING);
    thread_start_end(before);
    CHECK(caches_mine() != NULL);
    before = thread_start_begin();
    CHECK_EQ(before, THREAD_LIVE);
    thread_start_end(before);
    CHECK_EQ(thread_root.phase, THREAD_LIVE);
}

static void the_forking_thread_keeps_its_cache(void) {
    start();
    CHECK(thread_hooks());
    struct cache *mine = caches_mine(), *other = caches_new();
    thread_fork_prepare();
    thread_fork_child();
    CHECK_EQ(mine->seat->state, CACHE_LIVE);
    CHECK_EQ(other->seat->state, CACHE_ORPHAN);
    CHECK(caches_mine() == mine);
    CHECK_EQ(other->seat->state, CACHE_UNUSED);  // adopted at a slow path
}

// --- rest ----------------------------------------------------------------------------------------

// While something waits for the decay: pops find nothing, pushes do, and each malloc wakes it.
static void light_traffic_ticks(void) {
    start();
    CHECK(thread_hooks());
    struct cache *cache = caches_mine();
    CHECK(thread_root.pops == cache);
    thread_rest();
    CHECK(!arena_waits_for_decay() && thread_root.pops == cache);
    arena_give_large(arena_take_large(MIB(2), 1));
    CHECK(arena_waits_for_decay());
    thread_rest();
    CHECK(thread_root.pops == CACHE_NONE && thread_root.cache == cache);
    uint32_t before = arena_step();
    for (unsigned i = 0; i < 64; i++) {
        fake_advance(second / 100);
        CHECK(thread_enter() == cache);
        thread_wake(cache);
        CHECK(thread_root.pops == cache);
        thread_leave();
        thread_beat();
        CHECK(thread_root.pops == CACHE_NONE);
    }
    CHECK(arena_step() - before >= 3 && arena_step() - before <= 4);
}

static unsigned beats_of_a_step(struct cache *cache) {
    unsigned beats = 0;
    for (; thread_root.pops == CACHE_NONE; beats++) {
        thread_wake(cache);
        thread_beat();
        CHECK_LE(beats, 10000);
    }
    return beats;
}

// So many mallocs a step come by the slow path, then the cache stays awake until the next; fewer in
// the step that the thread is born in.
static void beats_are_bounded(void) {
    start();
    CHECK(thread_hooks());
    struct cache *cache = caches_mine();
    arena_give_large(arena_take_large(MIB(2), 1));
    thread_rest();
    CHECK_EQ(beats_of_a_step(cache), 257);
    thread_rest();
    CHECK(thread_root.pops == cache);
    fake_advance(second);
    arena_settle();
    thread_rest();
    CHECK(arena_step() > 0 && thread_root.pops == CACHE_NONE);
    CHECK_EQ(beats_of_a_step(cache), 2049);
    fake_thread_exit();
    CHECK(thread_root.pops == CACHE_NONE && thread_root.cache == CACHE_NONE);
}

// One in so many is to look.
static void visits(void) {
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < THREAD_VISITS - 1; i++)
            CHECK(!thread_visit_is_look());
        CHECK(thread_visit_is_look());
    }
}

int main(void) {
    CASE(nothing_before_the_hook);
    CASE(late_frees_do_not_resurrect);
    CASE(no_key_left);
    CASE(births_that_fail);
    CASE(off_by_cache);
    CASE(off_by_total);
    CASE(off_by_perturb);
    CASE(calls_during_start);
    CASE(the_forking_thread_keeps_its_cache);
    CASE(light_traffic_ticks);
    CASE(visits);
    CASE(beats_are_bounded);
    return 0;
}
