// unit/local/test_fake_cache.c - slow start, batches, room and its budgets, flush, idle classes.
//
// Birth, drain, orphans and figures are in test_fake_caches.c.
#include "conf/options.h"
#include "heap/block.h"
#include "tests/support/death.h"
#include "tests/support/fake_os.h"
#include "tests/unit/cases.h"
#include "tests/unit/local/caches.h"

enum { SLOTS = 20000 };

static const uint64_t second = 1000000000;
static const class_id id = 4;  // 64 bytes a slot

static struct cache *cache;
static void         *slots[SLOTS];

static void start(void) {
    fake_reset();
    arena_start(1, 2 * second, os_now_ns());
    cache = caches_new();
    CHECK(cache != NULL);
}

static void take(class_id of, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        slots[i] = caches_take(cache, of);
        CHECK(slots[i] != NULL);
    }
}

static void give(class_id of, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        caches_give(cache, of, slots[i]);
}

static uint64_t out_of_bin(class_id of) {
    return arena_at(0)->bins[of].taken;
}

static void every_class_of_the_empty_cache(void) {
    start();
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        CHECK(*cache_none.top[i] == NULL);
        CHECK(!cache_has_room(cache_none.top[i]));
        CHECK(*cache->top[i] == NULL && !cache_has_room(cache->top[i]));
    }
    for (unsigned i = SMALL_CLASS_FIRST; i <= SMALL_CLASS_LAST; i++) {
        slots[i] = caches_take(cache, (class_id)i);
        CHECK(slots[i] != NULL);
    }
    for (unsigned i = SMALL_CLASS_FIRST; i <= SMALL_CLASS_LAST; i++)
        caches_give(cache, (class_id)i, slots[i]);
    caches_check(cache);
    // No push ever goes to what is not small.
    for (unsigned i = 0; i < CLASS_COUNT; i++)
        if (!class_is_small((class_id)i))
            CHECK(*cache->top[i] == NULL && !cache_has_room(cache->top[i]));
}

// A thread that allocates ten objects holds about ten objects.
static void slow_start(void) {
    start();
    for (uint32_t i = 0; i < 10; i++) {
        slots[i] = caches_take(cache, id);
        CHECK_LE(caches_held(cache, id), i);
        CHECK_EQ(out_of_bin(id), i + 1 + caches_held(cache, id));
        caches_check(cache);
    }
    CHECK_LE(out_of_bin(id), 16);
    CHECK_LE(cache->allowed, 15 * 64);
}

static void batches_double(void) {
    start();
    uint64_t most = 0, before = 0;
    for (uint32_t i = 0; i < 5000; i++) {
        bool is_empty = caches_held(cache, id) == 0;
        slots[i] = caches_take(cache, id);
        uint64_t batch = out_of_bin(id) - before;
        before += batch;
        CHECK_EQ(batch > 0, is_empty);
        if (batch == 0)
            continue;
        CHECK_LE(batch, most ? 2 * most : 1);  // at the end of a slab it may be less
        most = batch > most ? batch : most;
    }
    CHECK_EQ(most, 256);
    caches_check(cache);
}

static void stack_order_and_content(void) {
    start();
    take(id, 300);
    for (uint32_t i = 0; i < 300; i++)
        test_fill(slots[i], 64, i);
    for (uint32_t i = 0; i < 10; i++)
        caches_give(cache, id, slots[i]);
    for (uint32_t i = 10; i-- > 0;)
        CHECK(caches_take(cache, id) == slots[i]);  // the last freed is the first used
    for (uint32_t i = 0; i < 300; i++)
        CHECK(test_is_filled(slots[i], 64, i));  // a free slot is neither read nor written
}

// --- room ---------------------------------------------------------------------------------------

static void demand(class_id of, uint32_t count, unsigned rounds) {
    for (unsigned i = 0; i < rounds; i++) {
        take(of, count);
        give(of, count);
        caches_check(cache);
    }
}

// Traffic both ways, of a little more than there is room for.
static void swing(class_id of, unsigned rounds) {
    for (unsigned i = 0; i < rounds; i++)
        demand(of, cache->classes[of].room + cache->classes[of].room / 2 + 2, 1);
}

static void room_of_a_class_is_bounded(void) {
    start();
    CHECK_EQ(options_set(OPT_CACHE, MIB(64)), OPTION_OK);
    CHECK_EQ(options_set(OPT_CACHE_TOTAL, MIB(64)), OPTION_OK);
    for (unsigned i = SMALL_CLASS_FIRST; i <= SMALL_CLASS_LAST; i += 5) {
        swing((class_id)i, 30);
        size_t room = cache->classes[i].room;
        CHECK(room >= 3);
        CHECK(room <= 3 || room * class_bytes((class_id)i) <= KIB(512));
        CHECK(room > 1000 || room * class_bytes((class_id)i) > KIB(120));
        CHECK_LE(room, 1022);
    }
}

// A program that fills and frees once: what it had is not what it will need.
static void a_burst_of_frees_takes_room_back(void) {
    start();
    swing(id, 30);
    uint32_t most = cache->classes[id].room;
    CHECK(most >= 500);
    demand(id, 10 * most, 1);  // a swing
    CHECK_EQ(cache->classes[id].room, most);
    demand(id, 19 * most, 1);
    caches_check(cache);
    CHECK(cache->classes[id].room * 4 < most);
    CHECK_LE(caches_held(cache, id), cache->classes[id].room);
}

// Beyond a quarter of the budgets only turns count.
static void room_is_earned_by_turns(void) {
    start();
    CHECK_EQ(options_set(OPT_CACHE, KIB(128)), OPTION_OK);
    for (unsigned i = 1; i <= 60; i++) {
        take((class_id)i, 60);
        caches_check(cache);
    }
    CHECK_LE(cache->allowed, KIB(32));
    for (unsigned i = 1; i <= 60; i++)
        swing((class_id)i, 30);
    CHECK(cache->allowed > KIB(64) && cache->allowed <= KIB(128));
}

// Turns alone do not: what is left of a quarter of the process's budget is for whoever comes first.
static void more_than_a_quarter_is_for_few_threads(void) {
    struct cache *first = NULL;
    start();
    CHECK_EQ(options_set(OPT_CACHE, KIB(512)), OPTION_OK);
    CHECK_EQ(options_set(OPT_CACHE_TOTAL, MIB(1)), OPTION_OK);
    for (unsigned i = 1; i <= 60; i++)
        swing((class_id)i, 30);
    CHECK(cache->allowed > KIB(200) && cache->allowed <= KIB(256));
    first = cache;
    cache = caches_new();
    for (unsigned i = 1; i <= 60; i++)
        swing((class_id)i, 30);
    CHECK(cache->allowed > KIB(64) && cache->allowed <= KIB(128));
    caches_delete(first);
}

// Beyond a mebibyte room is for what the process holds, not for what it held.
static void room_is_not_more_than_the_heap(void) {
    start();
    for (class_id of = 40; of <= 64; of += 8, arena_trim(0)) {
        swing(of, 30);
        cache_drain(cache);
    }
    CHECK_LE(cache->allowed, MIB(1));
    take(80, 64);
    swing(60, 30);
    CHECK(cache->allowed > MIB(1));
}

static void budget_of_a_thread(void) {
    start();
    CHECK_EQ(options_set(OPT_CACHE, KIB(100)), OPTION_OK);
    for (unsigned i = SMALL_CLASS_FIRST; i <= SMALL_CLASS_LAST; i++) {
        demand((class_id)i, 200, 3);
        CHECK_LE(cache->allowed, KIB(100));
    }
    CHECK(cache->allowed > KIB(20));
}

static void budget_of_the_process(void) {
    struct cache *caches[6];
    start();
    CHECK_EQ(options_set(OPT_CACHE_TOTAL, KIB(50)), OPTION_OK);
    caches[0] = cache;
    for (unsigned i = 1; i < 6; i++)
        caches[i] = caches_new();
    for (unsigned i = 0; i < 6; i++) {
        size_t sum = 0;
        cache = caches[i];
        demand(size_class_of(1024), 100, 4);
        demand(size_class_of(256), 100, 4);
        for (unsigned k = 0; k < 6; k++)
            sum += caches[k]->allowed;
        CHECK_LE(sum, KIB(50));
    }
    caches_delete(caches[0]);  // what one gives up others may have
    size_t before = caches[5]->allowed;
    demand(size_class_of(512), 100, 4);
    CHECK(caches[5]->allowed > before);
}

// Without any budget slots go one by one, and nothing is held.
static void no_room_at_all(void) {
    start();
    CHECK_EQ(options_set(OPT_CACHE_TOTAL, 0), OPTION_OK);
    for (uint32_t i = 0; i < 100; i++) {
        slots[i] = caches_take(cache, id);
        CHECK(slots[i] != NULL);
        CHECK_EQ(out_of_bin(id), i + 1);
    }
    for (uint32_t i = 0; i < 100; i++) {
        caches_give(cache, id, slots[i]);
        CHECK_EQ(out_of_bin(id), 99 - i);
    }
    CHECK_EQ(cache->allowed, 0);
}

// Frees alone do not earn room beyond a little: it would be filled and never emptied.
static void one_way_traffic_stays_small(void) {
    struct cache *other;
    start();
    take(id, 5000);
    other = cache;
    cache = caches_new();
    give(id, 5000);
    caches_check(cache);
    CHECK_LE((size_t)cache->classes[id].room * 64, KIB(16));
    CHECK_LE(caches_held(cache, id), cache->classes[id].room);
    caches_delete(other);
}

// Whatever room the classes are given, in whatever order, their arrays lie in the area and apart.
static void arrays_fit_the_area(void) {
    start();
    CHECK_EQ(options_set(OPT_CACHE, GIB(1)), OPTION_OK);
    CHECK_EQ(options_set(OPT_CACHE_TOTAL, GIB(1)), OPTION_OK);
    for (unsigned i = SMALL_CLASS_FIRST; i <= SMALL_CLASS_LAST; i++)
        demand((class_id)i, 2100, 3);
    CHECK_LE(cache->bump * sizeof(void *), CACHE_AREA_BYTES);
    CHECK(cache->bump > sizeof *cache / sizeof(void *));
    for (unsigned i = SMALL_CLASS_FIRST; i <= SMALL_CLASS_LAST; i++) {
        const struct cache_class *one = &cache->classes[i];
        CHECK_LE(one->bottom + one->capacity + 1u, cache->bump);
        for (unsigned k = SMALL_CLASS_FIRST; k < i; k++) {
            const struct cache_class *two = &cache->classes[k];
            CHECK(one->capacity == 0 || two->capacity == 0 ||
                  one->bottom + one->capacity < two->bottom ||
                  two->bottom + two->capacity < one->bottom);
        }
    }
}

// --- flush --------------------------------------------------------------------------------------

static void overflow_flushes_the_oldest_half(void) {
    start();
    CHECK_EQ(options_set(OPT_CACHE, 4 * 14 * 64), OPTION_OK);  // the first room, and no more
    take(id, 40);
    while (caches_held(cache, id) > 0)
        caches_take(cache, id);
    for (uint32_t i = 0; i < 14; i++)
        caches_give(cache, id, slots[i]);
    CHECK_EQ(caches_held(cache, id), 14);
    caches_give(cache, id, slots[14]);
    CHECK_EQ(caches_held(cache, id), 7);
    for (uint32_t i = 0; i < 15; i++)
        CHECK_EQ(block_find(slots[i]).kind, i < 8 ? BLOCK_FREED : BLOCK_SMALL);
    for (uint32_t i = 15; i-- > 8;)
        CHECK(caches_take(cache, id) == slots[i]);
    arena_check();
}

// A call that frees waits for so many slots, and so many bytes, at most.
static void a_flush_is_bounded(void) {
    start();
    CHECK_EQ(options_set(OPT_CACHE, MIB(64)), OPTION_OK);
    for (unsigned i = SMALL_CLASS_FIRST; i <= SMALL_CLASS_LAST; i += 9) {
        swing((class_id)i, 30);
        take((class_id)i, 4000);
        uint64_t most = 0, before = out_of_bin((class_id)i);
        for (uint32_t k = 0; k < 4000; k++) {
            caches_give(cache, (class_id)i, slots[k]);
            uint64_t now = out_of_bin((class_id)i);
            most = before - now > most ? before - now : most;
            before = now;
        }
        CHECK(most > 0);
        CHECK_LE(most, 128);
        CHECK_LE(most * class_bytes((class_id)i), KIB(128));
    }
}

static void give_twice(void *slot) {
    caches_give(cache, id, slot);
    for (uint32_t i = 1; i < 5; i++)
        caches_give(cache, id, slots[i]);
    caches_give(cache, id, slot);
    cache_drain(cache);
}

static void give_inside(void *slot) {
    caches_give(cache, id, (char *)slot + 16);
    cache_drain(cache);
}

static void a_flush_proves_what_it_gives(void) {
    start();
    take(id, 20);
    CHECK(death_expect(give_twice, slots[0],
                       "tidemalloc: free(0x*): double free of a 64-byte block"));
    CHECK(death_expect(give_inside, slots[3],
                       "tidemalloc: free(0x*): pointer into the middle of a 64-byte block "
                       "(starts at 0x*)"));
}

// An odd pointer that was popped again looks like the end of the room; the stack is not full.
static void an_odd_pointer_is_not_the_end(void) {
    start();
    CHECK_EQ(options_set(OPT_CACHE, 4 * 14 * 64), OPTION_OK);  // the first room, and no more
    take(id, 40);
    while (caches_held(cache, id) > 0)
        caches_take(cache, id);
    caches_give(cache, id, (char *)slots[0] + 1);
    CHECK(caches_take(cache, id) == (char *)slots[0] + 1);
    for (uint32_t i = 1; i <= 14; i++)
        caches_give(cache, id, slots[i]);
    CHECK_EQ(caches_held(cache, id), 14);
    caches_check(cache);
    for (uint32_t i = 14; i >= 1; i--)
        CHECK(caches_take(cache, id) == slots[i]);
}

// --- idle classes -------------------------------------------------------------------------------

static void slow_paths(class_id of, unsigned count) {
    void *some[64];
    while (count > 0) {
        unsigned batch = 0;
        for (; batch < 64; batch++) {
            count -= count > 0 && caches_held(cache, of) == 0;
            some[batch] = caches_take(cache, of);
        }
        while (batch-- > 0)
            arena_give("free", of, &some[batch], 1);
    }
}

static void idle_classes_shrink(void) {
    start();
    demand(id, 1000, 6);
    uint32_t held = caches_held(cache, id), room = cache->classes[id].room;
    CHECK(held > 100);
    unsigned looks = 0;
    for (; looks < 40 && cache->classes[id].room > 0; looks++) {
        slow_paths(size_class_of(4096), 257);
        CHECK_LE(caches_held(cache, id), held);
        CHECK_LE(cache->classes[id].room, room);
        held = caches_held(cache, id);
        room = cache->classes[id].room;
        caches_check(cache);
    }
    CHECK(looks > 4 && looks < 40);  // by halves, not at once
    CHECK_EQ(caches_held(cache, id), 0);
    CHECK_EQ(out_of_bin(id), 0);
    take(id, 100);  // and it comes back with demand
    give(id, 100);
    caches_check(cache);
}

static void busy_classes_do_not_shrink(void) {
    start();
    demand(id, 1000, 6);
    uint32_t room = cache->classes[id].room;
    for (unsigned i = 0; i < 20; i++) {
        demand(id, 1000, 1);
        slow_paths(size_class_of(4096), 60);
    }
    CHECK(cache->classes[id].room >= room);
}

// --- without memory -----------------------------------------------------------------------------

static void no_memory(void) {
    start();
    fake_fail(FAKE_ANY, 1, UINT32_MAX);
    CHECK(caches_take(cache, id) == NULL);
    CHECK(caches_take(cache, id) == NULL);
    CHECK_EQ(caches_held(cache, id), 0);
    caches_check(cache);
    fake_fail(FAKE_ANY, 1, 0);
    take(id, 100);
    give(id, 100);
    caches_check(cache);
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    unsigned count = 0;
    while (count < 1000 && caches_new() != NULL)
        count++;
    CHECK(count < 1000);
    fake_fail(FAKE_MAP, 1, 0);
    CHECK(caches_new() != NULL);
}

int main(void) {
    CASE(every_class_of_the_empty_cache);
    CASE(slow_start);
    CASE(batches_double);
    CASE(stack_order_and_content);
    CASE(room_of_a_class_is_bounded);
    CASE(a_burst_of_frees_takes_room_back);
    CASE(room_is_earned_by_turns);
    CASE(more_than_a_quarter_is_for_few_threads);
    CASE(room_is_not_more_than_the_heap);
    CASE(budget_of_a_thread);
    CASE(budget_of_the_process);
    CASE(no_room_at_all);
    CASE(one_way_traffic_stays_small);
    CASE(arrays_fit_the_area);
    CASE(overflow_flushes_the_oldest_half);
    CASE(a_flush_is_bounded);
    CASE(a_flush_proves_what_it_gives);
    CASE(an_odd_pointer_is_not_the_end);
    CASE(idle_classes_shrink);
    CASE(busy_classes_do_not_shrink);
    CASE(no_memory);
    return 0;
}
