// unit/local/test_fake_caches.c - caches are born, drained, used again, orphaned and adopted.
#include "conf/options.h"
#include "page/page_gauge.h"
#include "tests/support/fake_os.h"
#include "tests/unit/cases.h"
#include "tests/unit/local/caches.h"

enum { SLOTS = 2000 };

static const uint64_t second = 1000000000;
static const class_id id = 4;  // 64 bytes a slot

static void *slots[SLOTS];

static struct cache *start(void) {
    fake_reset();
    arena_start(1, 2 * second, os_now_ns());
    return caches_new();
}

// Takes and gives, so that the cache holds something of several classes; how many slots that is.
static uint32_t fill(struct cache *cache) {
    uint32_t held = 0;
    for (class_id of = 1; of <= 40; of += 3) {
        for (uint32_t i = 0; i < 100; i++)
            slots[i] = caches_take(cache, of);
        for (uint32_t i = 0; i < 100; i++)
            caches_give(cache, of, slots[i]);
    }
    for (class_id of = 1; of <= 40; of += 3)  // now: a cache without room looks at its age often
        held += caches_held(cache, of);
    CHECK(held > 0);
    return held;
}

static uint64_t out_of_bins(void) {
    uint64_t sum = 0;
    for (unsigned i = SMALL_CLASS_FIRST; i <= SMALL_CLASS_LAST; i++)
        sum += arena_at(0)->bins[i].taken;
    return sum;
}

static void drain(void) {
    struct cache *cache = start();
    CHECK_EQ(fill(cache), out_of_bins());
    cache_drain(cache);
    CHECK_EQ(out_of_bins(), 0);
    CHECK_EQ(arena_at(0)->pages.active_bytes, 0);
    caches_check(cache);
    // It lives on, and starts slowly again.
    for (uint32_t i = 0; i < 10; i++)
        slots[i] = caches_take(cache, id);
    CHECK_LE(out_of_bins(), 16);
    cache_drain(cache);
    CHECK_EQ(out_of_bins(), 10);
    arena_check();
}

static void deleted_caches_are_used_again(void) {
    struct cache *cache = start(), *other = caches_new();
    CHECK(cache != other);
    fill(cache);
    caches_delete(cache);
    CHECK_EQ(out_of_bins(), 0);
    CHECK_EQ(cache->seat->state, CACHE_UNUSED);
    for (unsigned i = 0; i < CLASS_COUNT; i++)
        CHECK(*cache->top[i] == NULL && !cache_has_room(cache->top[i]));
    CHECK(caches_new() == cache);
    CHECK_EQ(cache->seat->state, CACHE_LIVE);
    caches_check(cache);
    CHECK_EQ(cache->allowed, 0);
    fill(cache);
    caches_delete(other);
    for (unsigned i = 0; i < 100; i++) {
        other = caches_new();
        fill(other);
        caches_delete(other);
    }
    CHECK_LE(fake_mapped_bytes(), MIB(4));  // one area after the other was used again
}

static void figures(void) {
    struct counters totals = {{0}};
    struct cache   *cache = start(), *other = caches_new();
    for (uint32_t i = 0; i < 20; i++)
        slots[i] = caches_take(i % 2 ? cache : other, id);
    for (uint32_t i = 0; i < 20; i++)
        caches_give(i % 2 ? cache : other, id, slots[i]);
    uint32_t held = caches_held(cache, id) + caches_held(other, id);
    CHECK(held >= 20);
    CHECK_EQ(caches_slots(id), held);
    CHECK_EQ(caches_slots(id + 1), 0);
    caches_count(&totals);
    CHECK_EQ(totals.value[COUNTER_cached_bytes], held * 64);
    CHECK_EQ(totals.value[COUNTER_threads], 2);
    CHECK(totals.value[COUNTER_metadata_bytes] >= 2 * sizeof(struct cache));
    CHECK_LE(totals.value[COUNTER_metadata_bytes], 2 * CACHE_AREA_BYTES);
    caches_delete(other);
    CHECK_EQ(caches_slots(id), caches_held(cache, id));
    memset(&totals, 0, sizeof totals);
    caches_count(&totals);
    CHECK_EQ(totals.value[COUNTER_threads], 1);
}

// Pages of areas count from birth until they are given back.
static void areas_are_counted(void) {
    struct cache *cache = start(), *other = caches_new();
    CHECK(cache != NULL);
    CHECK_EQ(page_gauge_caches.areas, 2);
    caches_delete(other);
    CHECK_EQ(page_gauge_caches.areas, 2);
    caches_clean();
    CHECK_EQ(page_gauge_caches.areas, 1);
    CHECK(caches_new() == other);
    CHECK_EQ(page_gauge_caches.areas, 2);
    caches_fork_prepare();
    caches_fork_child(cache);
    CHECK_EQ(page_gauge_caches.areas, 2);
    caches_adopt_orphan();
    caches_clean();
    CHECK_EQ(page_gauge_caches.areas, 1);
}

// --- fork ---------------------------------------------------------------------------------------

static void the_parent_goes_on(void) {
    struct cache *cache = start();
    uint32_t      held = fill(cache);
    caches_fork_prepare();
    caches_fork_parent();
    CHECK_EQ(cache->seat->state, CACHE_LIVE);
    CHECK_EQ(out_of_bins(), held);
    CHECK(caches_new() != NULL);
}

// In the child only one thread lives: the caches of the others are drained, one a slow path.
static void orphans_are_adopted(void) {
    struct cache *mine = start(), *caches[3];
    uint32_t      held = fill(mine), all = held;
    for (unsigned i = 0; i < 3; i++) {
        caches[i] = caches_new();
        all += fill(caches[i]);
    }
    caches_fork_prepare();
    caches_fork_child(mine);
    CHECK_EQ(mine->seat->state, CACHE_LIVE);
    CHECK_EQ(out_of_bins(), all);
    for (unsigned left = 3; left > 0; left--) {
        unsigned orphans = 0;
        for (unsigned i = 0; i < 3; i++)
            orphans += caches[i]->seat->state == CACHE_ORPHAN;
        CHECK_EQ(orphans, left);
        caches_adopt_orphan();
    }
    CHECK_EQ(out_of_bins(), held);
    CHECK_EQ(caches_slots(id), caches_held(mine, id));
    caches_adopt_orphan();  // there is none left
    CHECK_EQ(mine->seat->state, CACHE_LIVE);
    CHECK(caches_new()->seat->state == CACHE_LIVE);
    arena_check();
}

static void the_child_of_a_child(void) {
    struct cache *mine = start(), *other = caches_new(), *unused = caches_new();
    uint32_t      held = fill(mine);
    fill(other);
    caches_delete(unused);
    for (unsigned i = 0; i < 3; i++) {
        caches_fork_prepare();
        caches_fork_child(mine);
    }
    CHECK_EQ(unused->seat->state, CACHE_UNUSED);
    for (unsigned i = 0; i < 3; i++)
        caches_adopt_orphan();
    CHECK_EQ(out_of_bins(), held);
    CHECK_EQ(other->seat->state, CACHE_UNUSED);
}

// Cut in the middle of a batch: what it holds is given up, its room and its record are not.
static void a_busy_cache_is_given_up(void) {
    struct cache *mine = start(), *other = caches_new();
    CHECK_EQ(options_set(OPT_CACHE_TOTAL, MIB(1)), OPTION_OK);
    fill(other);
    uint64_t held = out_of_bins();
    CHECK(held > 80);
    other->busy = true;
    caches_fork_prepare();
    caches_fork_child(mine);
    caches_adopt_orphan();
    CHECK_EQ(out_of_bins(), held);  // taken for ever
    CHECK_EQ(caches_slots(id), 0);
    CHECK(caches_new() == other && !other->busy);
    caches_check(other);
    for (uint32_t i = 0; i < SLOTS; i++)
        slots[i] = caches_take(other, id);
    for (uint32_t i = 0; i < SLOTS; i++)
        caches_give(other, id, slots[i]);
    CHECK(other->allowed > KIB(8));  // the budget is whole again
    arena_check();
}

static void a_thread_without_a_cache_forks(void) {
    struct cache *other = start();
    fill(other);
    caches_fork_prepare();
    caches_fork_child(NULL);
    CHECK_EQ(other->seat->state, CACHE_ORPHAN);
    caches_adopt_orphan();
    CHECK_EQ(out_of_bins(), 0);
}

int main(void) {
    CASE(drain);
    CASE(deleted_caches_are_used_again);
    CASE(figures);
    CASE(areas_are_counted);
    CASE(the_parent_goes_on);
    CASE(orphans_are_adopted);
    CASE(the_child_of_a_child);
    CASE(a_busy_cache_is_given_up);
    CASE(a_thread_without_a_cache_forks);
    return 0;
}
