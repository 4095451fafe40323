// unit/local/test_fake_stock.c - slots of a hardened process go out each once, by chance out of
// many, never by a fast path, and come back where there is room.
#include "local/stock.h"

#include <errno.h>

#include "heap/secret.h"
#include "tests/unit/cases.h"
#include "tests/unit/heap/hardened.h"
#include "tests/unit/local/caches.h"

enum { SLOTS = 4000 };

static void *slots[SLOTS];

static struct cache *start(char *knob) {
    hardened_begin(knob);
    CHECK(thread_hooks());
    return caches_mine();
}

static uint64_t taken_of_bins(class_id id) {
    return arena_at(0)->bins[id].taken;
}

static void take(class_id id, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        slots[i] = stock_take(id);
        CHECK(slots[i] != NULL);
        if (hardened_dress(slots[i], 1))
            CHECK_EQ(*(char *)slots[i], 0);
    }
}

static void give(void *slot) {
    CHECK(stock_give_ready("free", slot));
}

static void no_fast_path_finds_it(void) {
    class_id      id = size_class_of(48);
    struct cache *cache = start(NULL);
    CHECK(cache != NULL && cache != CACHE_NONE);
    CHECK(thread_root.cache == cache && thread_root.pops == CACHE_NONE);
    take(id, 10);
    CHECK(thread_root.pops == CACHE_NONE);
    class_id byte = page_map_class((uintptr_t)slots[0]);
    CHECK(!class_is_small(byte));
    CHECK(!cache_has_room(cache->top[byte]) && *cache->top[byte] == NULL);
}

static void small_ones(void) {
    class_id      id = size_class_of(48);
    struct cache *cache = start(NULL);
    take(id, 1);
    CHECK_EQ(caches_held(cache, id), STOCK_LEAST + STOCK_BATCH - 2);
    CHECK_EQ(taken_of_bins(id), STOCK_LEAST + STOCK_BATCH - 1);
    take(id, STOCK_BATCH - 1);
    CHECK_EQ(taken_of_bins(id), STOCK_LEAST + STOCK_BATCH - 1);
    CHECK_EQ(caches_held(cache, id), STOCK_LEAST - 1);
    take(id, 1);  // there would be too few
    CHECK_EQ(taken_of_bins(id), STOCK_LEAST + 2 * STOCK_BATCH - 1);
    caches_check(cache);
}

static void large_ones(void) {
    class_id      id = size_class_of(2 * STOCK_SMALL), none = size_class_of(STOCK_BYTES);
    struct cache *cache = start(NULL);
    uint32_t      batch = STOCK_BYTES / class_bytes(id);
    take(id, 1);
    CHECK_EQ(caches_held(cache, id), batch - 1);
    take(id, batch - 1);
    CHECK_EQ(taken_of_bins(id), batch);
    take(none, 3);
    CHECK_EQ(caches_held(cache, none), 0);
    CHECK_EQ(taken_of_bins(none), 3);
    caches_check(cache);
}

static int by_address(const void *one, const void *other) {
    void *const *a = one, *const *b = other;
    return (*a > *b) - (*a < *b);
}

static void each_once(void) {
    start(NULL);
    for (size_t bytes = 8; bytes <= 5000; bytes *= 3) {
        take(size_class_of(bytes), 1000);
        qsort(slots, 1000, sizeof *slots, by_address);
        for (unsigned i = 1; i < 1000; i++)
            CHECK(slots[i] != slots[i - 1]);
    }
}

static bool is_among(void *slot, void *const *these, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (these[i] == slot)
            return true;
    return false;
}

// Of what a cache holds none is much more likely to be next than another: when a batch comes, those
// that were there, two of three, serve as often as it.
static void by_chance(void) {
    class_id      id = size_class_of(48);
    struct cache *cache = start(NULL);
    unsigned      early = 0, restocks = 0;
    take(id, 1);
    while (restocks < 400) {
        void    *before[STOCK_SLOTS], **bottom = cache->top[id] - cache_count(cache, id);
        uint32_t count = cache_count(cache, id);
        for (uint32_t i = 0; i < count; i++)
            before[i] = bottom[1 + i];
        void *slot = stock_take(id);
        if (cache_count(cache, id) < count)
            continue;
        restocks++;
        early += is_among(slot, before, count);
    }
    CHECK(early > 220 && early < 310);
}

// Of a class that was idle, age takes half amid its own restock; what comes instead may be as many.
static void aged_amid(void) {
    class_id      id = size_class_of(48), other = size_class_of(96);
    struct cache *cache = start(NULL);
    take(id, 32);
    uint32_t rest = size_class_table[id].slots - (uint32_t)taken_of_bins(id);
    CHECK_EQ(arena_take(id, slots, rest), rest);  // a batch cuts no new slab for what is missing
    cache->events = 1;
    take(other, 1);
    CHECK(!cache->classes[id].active && cache->classes[id].seen == STOCK_LEAST - 1);
    cache->events = 1;
    void *first = stock_take(id);
    CHECK_EQ(caches_held(cache, id), STOCK_LEAST - 2);
    take(id, 1000);
    CHECK(!is_among(first, slots, 1000));
}

static void in_order(void) {
    class_id      id = size_class_of(48);
    struct cache *cache = start((char *)(uintptr_t) "TIDE_RANDOM_SLOTS=off");
    take(id, 1);
    CHECK_EQ(caches_held(cache, id), STOCK_BATCH - 1);
    for (unsigned i = 0; i < STOCK_BATCH - 1; i++) {
        void *top = *cache->top[id];
        CHECK(stock_take(id) == top);
    }
}

// What leaves the quarantine comes back here, as far as there is room; the rest is in the bins.
static void comes_back(void) {
    class_id      id = size_class_of(48);
    struct cache *cache = start((char *)(uintptr_t) "TIDE_QUARANTINE=16K");
    take(id, 2000);
    for (unsigned i = 0; i < 2000; i++)
        give(slots[i]);
    CHECK_EQ(caches_held(cache, id), STOCK_SLOTS);
    uint64_t in_front = front_count(cache->front, id);
    CHECK(in_front >= FRONT_PLACES && in_front < FRONT_PLACES + FRONT_PASSING);
    CHECK_EQ(taken_of_bins(id), STOCK_SLOTS + in_front + hardened_slots(id));
    CHECK_EQ(taken_of_bins(id), caches_slots(id) + hardened_slots(id));
    CHECK_LE(hardened_slots(id), 2000 / 4);
    caches_check(cache);
    take(id, STOCK_SLOTS);  // they are clear yet, and may be had
}

// Of large ones a few; none of which one comes at a time.
static void large_ones_come_back(void) {
    class_id      id = size_class_of(2 * STOCK_SMALL), none = size_class_of(STOCK_BYTES);
    uint32_t      room = STOCK_BATCHES * (STOCK_BYTES / class_bytes(id));
    struct cache *cache = start((char *)(uintptr_t) "TIDE_QUARANTINE=off");
    take(id, room + 4);
    for (unsigned i = 0; i < room + 4; i++)
        give(slots[i]);
    CHECK_EQ(caches_held(cache, id), room);
    CHECK_EQ(taken_of_bins(id), room);
    take(none, 4);
    for (unsigned i = 0; i < 4; i++)
        give(slots[i]);
    CHECK_EQ(caches_held(cache, none), 0);
    CHECK_EQ(taken_of_bins(none), 0);
}

// Ready is what the stock has: nothing is asked for, and what is too little is left alone.
static void ready(void) {
    class_id           id = size_class_of(48);
    struct cache      *cache = start(NULL);
    struct stock_block block = stock_take_ready(40);
    CHECK(block.start == NULL);
    CHECK_EQ(taken_of_bins(id), 0);
    take(id, 1);
    uint32_t held = caches_held(cache, id);
    for (; held >= STOCK_LEAST; held--) {
        block = stock_take_ready(40);
        CHECK(block.start != NULL && !block.is_zero);
        CHECK_EQ(block_find(block.start).usable, 40);
        CHECK_EQ(caches_held(cache, id), held - 1);
    }
    CHECK(stock_take_ready(40).start == NULL);
    CHECK_EQ(caches_held(cache, id), STOCK_LEAST - 1);
}

// What comes again reads as zero, and is told to.
static void ready_again(void) {
    class_id id = size_class_of(48);
    unsigned zero = 0;
    start((char *)(uintptr_t) "TIDE_QUARANTINE=16K");
    take(id, 1);
    for (unsigned i = 0; i < 3000; i++) {
        struct stock_block block = stock_take_ready(40);
        if (!block.start)
            block.start = (take(id, 1), slots[0]);
        if (block.is_zero)
            CHECK(test_is_byte(block.start, 40, 0));
        zero += block.is_zero;
        memset(block.start, 7, 1);
        give(block.start);
    }
    CHECK(zero > 1000);
}

static void gives_no_other_block(void) {
    class_id id = size_class_of(48);
    bool     is_zero;
    start(NULL);
    take(id, 1);
    char *large = hardened_take(NULL, SMALL_MAX + 1, 1, &is_zero);
    CHECK(!stock_give_ready("free", large));
    CHECK(!stock_give_ready("free", (char *)slots[0] + 16));
    CHECK(!stock_give_ready("free", &large));
    CHECK(!stock_give_ready("free", NULL));
    CHECK(stock_give_ready("free", slots[0]));
    CHECK(!stock_give_ready("free", slots[0]));
}

// A slab's fence that is refused in between nobody sees.
static void keeps_errno(void) {
    class_id id = size_class_of(48);
    start(NULL);
    stock_take(id);  // its slab has no fence yet
    fake_fail(FAKE_CONCEAL, 1, UINT32_MAX);
    errno = 77;
    fake_forget();
    CHECK(stock_take_ready(40).start != NULL);
    CHECK(fake_count(FAKE_CONCEAL) > 0);
    CHECK_EQ(errno, 77);
}

// Large slots would be too much of the quarantine's bytes.
static void not_in_front(void) {
    class_id      id = size_class_of(2 * STOCK_SMALL);
    struct cache *cache = start(NULL);
    take(id, 20);
    for (unsigned i = 0; i < 20; i++)
        give(slots[i]);
    CHECK_EQ(front_count(cache->front, id), 0);
    CHECK_EQ(hardened_slots(id), 20);
}

static void flushed(void) {
    class_id      id = size_class_of(48);
    struct cache *cache = start(NULL);
    take(id, 40);
    for (unsigned i = 0; i < 40; i++)
        give(slots[i]);
    CHECK(front_count(cache->front, id) > 20);
    CHECK(stock_flush());
    CHECK(!stock_flush());
    CHECK_EQ(front_count(cache->front, id), 0);
    CHECK_EQ(hardened_slots(id), 40);
}

// A class that the thread never took gets no room by frees.
static void foreign_ones_do_not(void) {
    class_id      id = size_class_of(48);
    struct cache *cache = start((char *)(uintptr_t) "TIDE_QUARANTINE=off");
    for (unsigned i = 0; i < 200; i++) {
        CHECK_EQ(arena_take(id, &slots[i], 1), 1);
        hardened_dress(slots[i], 1);
    }
    for (unsigned i = 0; i < 200; i++)
        give(slots[i]);
    CHECK_EQ(caches_held(cache, id), 0);
    CHECK_EQ(taken_of_bins(id), 0);
}

static void without_budget(void) {
    class_id      id = size_class_of(48);
    struct cache *cache = start((char *)(uintptr_t) "TIDE_CACHE=2K");
    take(id, 300);
    CHECK_EQ(caches_held(cache, id), 0);
    CHECK_EQ(taken_of_bins(id), 300);
}

static void without_cache(void) {
    class_id id = size_class_of(48);
    CHECK(start((char *)(uintptr_t) "TIDE_CACHE=off") == NULL);
    take(id, 300);
    CHECK_EQ(taken_of_bins(id), 300);
    for (unsigned i = 0; i < 300; i++)
        give(slots[i]);
    CHECK_EQ(taken_of_bins(id), hardened_slots(id));
}

// Idle classes lose room, and get it back when they are asked for again.
static void idle(void) {
    class_id      id = size_class_of(48), other = size_class_of(96);
    struct cache *cache = start(NULL);
    take(id, 1);
    for (unsigned i = 0; i < 600 * STOCK_BATCH && cache->classes[id].room == STOCK_SLOTS; i++) {
        void *slot = stock_take(other);
        arena_give("free", other, &slot, 1);
    }
    CHECK(cache->classes[id].room < STOCK_SLOTS);
    caches_check(cache);
    for (unsigned i = 0; i < STOCK_SLOTS && cache->classes[id].room < STOCK_SLOTS; i++)
        take(id, 1);
    CHECK_EQ(cache->classes[id].room, STOCK_SLOTS);
    CHECK_EQ(caches_held(cache, id), STOCK_LEAST + STOCK_BATCH - 2);
    caches_check(cache);
}

static void end_of_thread(void) {
    class_id id = size_class_of(48);
    start(NULL);
    take(id, 45);
    for (unsigned i = 0; i < 40; i++)
        give(slots[i]);
    fake_thread_exit();
    CHECK_EQ(hardened_slots(id), 40);
    CHECK_EQ(taken_of_bins(id), 45);
}

static void without_memory(void) {
    class_id id = size_class_of(48);
    start(NULL);
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    fake_fail(FAKE_BREAK, 1, UINT32_MAX);
    uint32_t count = 0;
    while (count < SLOTS && (slots[count] = stock_take(id)) != NULL)
        count++;
    CHECK(count < SLOTS);
    fake_fail(FAKE_MAP, 1, 0);
    fake_fail(FAKE_BREAK, 1, 0);
    take(id, 70);
}

int main(void) {
    CASE(no_fast_path_finds_it);
    CASE(small_ones);
    CASE(large_ones);
    CASE(each_once);
    CASE(by_chance);
    CASE(aged_amid);
    CASE(in_order);
    CASE(comes_back);
    CASE(large_ones_come_back);
    CASE(ready);
    CASE(ready_again);
    CASE(gives_no_other_block);
    CASE(keeps_errno);
    CASE(not_in_front);
    CASE(flushed);
    CASE(foreign_ones_do_not);
    CASE(without_budget);
    CASE(without_cache);
    CASE(idle);
    CASE(end_of_thread);
    CASE(without_memory);
    return 0;
}
