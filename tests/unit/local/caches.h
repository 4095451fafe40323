// unit/local/caches.h - pop and push as the fast paths do them, over a cache given by hand.
#pragma once
#include "local/thread.h"
#include "tests/support/test.h"

static inline void *caches_take(struct cache *cache, class_id id) {
    void *slot = *cache->top[id];
    if (slot) {
        POKE(&cache->top[id], cache->top[id] - 1);
        return slot;
    }
    return cache_refill(cache, id);
}

static inline void caches_give(struct cache *cache, class_id id, void *slot) {
    void **top = cache->top[id];
    if (!cache_has_room(top)) {
        cache_overflow(cache, "free", id, slot);
        return;
    }
    top[1] = slot;
    POKE(&cache->top[id], top + 1);
}

// The calling thread's cache, as slow paths find it.
static inline struct cache *caches_mine(void) {
    struct cache *cache = thread_enter();
    thread_leave();
    return cache;
}

// Slots that a cache holds of a class, counted down to its bottom.
static inline uint32_t caches_held(const struct cache *cache, class_id id) {
    uint32_t count = 0;
    while (cache->top[id][-(ptrdiff_t)count] != NULL)
        count++;
    return count;
}

// Pushes that would go well.
static inline uint32_t caches_room_left(const struct cache *cache, class_id id) {
    uint32_t count = 0;
    while (cache_has_room(cache->top[id] + count))
        count++;
    return count;
}

// The theory of cache.h: room is what is allowed, and what is held is not more.
static inline void caches_check(const struct cache *cache) {
    size_t room_bytes = 0;
    for (unsigned i = SMALL_CLASS_FIRST; i <= SMALL_CLASS_LAST; i++) {
        class_id id = (class_id)i;
        CHECK_LE(caches_held(cache, id), cache->classes[id].room);
        CHECK_EQ(caches_held(cache, id) + caches_room_left(cache, id), cache->classes[id].room);
        room_bytes += (size_t)cache->classes[id].room * class_bytes(id);
    }
    CHECK_EQ(room_bytes, cache->allowed);
}
