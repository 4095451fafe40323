// local/stock.c - see stock.h.
#include "local/stock.h"

#include "conf/options.h"
#include "heap/hardened.h"
#include "heap/secret.h"

static bool comes_back(class_id id) {
    return class_bytes(id) <= STOCK_SMALL;
}

static uint32_t batch(class_id id) {
    return (uint32_t)min_size(STOCK_BYTES / class_bytes(id), STOCK_BATCH);
}

// batch(id) > 1, without a division for each block. Of others one comes at a time, past the stock.
static bool comes_in_batches(class_id id) {
    return class_bytes(id) <= STOCK_BYTES / 2;
}

static uint32_t room(class_id id) {
    return comes_back(id) ? STOCK_SLOTS : batch(id);
}

// How few there may be.
static uint32_t least(class_id id) {
    return comes_back(id) && option(OPT_RANDOM_SLOTS) ? STOCK_LEAST : 1;
}

// Where age took room away, and the budgets do not give it back: half of what is left.
static bool has_enough(const struct cache *cache, class_id id, uint32_t count) {
    uint32_t has = cache->classes[id].room;
    return LIKELY(count >= least(id)) || (count > 0 && has < STOCK_LEAST && count >= has / 2);
}

// One of the stack is put on top. A fork by another thread sees memory as of some instruction of
// this, and has to find no slot twice: the one on top is out of the stack while the two change
// places, and is lost to that child if need be; as is a batch that is on its way here.
ALWAYS_INLINE void draw_next(struct cache *cache, class_id id, uint32_t count) {
    void **top = cache->top[id], **chosen = top;
    if (option(OPT_RANDOM_SLOTS))
        chosen -= secret_next_below(&cache->numbers, count);
    void *slot = *chosen;
    if (chosen != top) {
        POKE(&cache->top[id], top - 1);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        *chosen = *top;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        *top = slot;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        POKE(&cache->top[id], top);
    }
    hardened_expect(slot, id);
}

// How many there are then; 0: the cache may have none, or there is no memory.
NOINLINE static uint32_t restock(struct cache *cache, class_id id) {
    if (cache->numbers == 0)
        cache->numbers = secret_random();
    uint32_t count = cache_restock(cache, id, room(id), least(id) - 1 + batch(id));
    if (count > 0)
        draw_next(cache, id, count);
    return count;
}

static void *draw(struct cache *cache, class_id id) {
    uint32_t count = cache_count(cache, id);
    if (UNLIKELY(!has_enough(cache, id, count)) && (count = restock(cache, id)) == 0)
        return NULL;
    void **top = cache->top[id], *slot = *top;
    POKE(&cache->top[id], top - 1);
    if (LIKELY(count > 1))
        draw_next(cache, id, count - 1);
    return slot;
}

void *stock_take(class_id id) {
    struct cache *cache = thread_enter();
    void         *slot = NULL;
    if (LIKELY(cache != NULL) && LIKELY(comes_in_batches(id)))
        slot = draw(cache, id);
    if (UNLIKELY(!slot))
        arena_take(id, &slot, 1);
    thread_leave();
    return slot;
}

// How many of them stayed. A class that the thread does not take has no room.
static uint32_t keep(struct cache *cache, const struct quarantine_leavers *leavers) {
    class_id id = leavers->id;
    void   **top = cache->top[id];
    uint32_t fit = cache_room_left(cache, id), count = leavers->count < fit ? leavers->count : fit;
    for (uint32_t i = 0; i < count; i++)
        top[i + 1] = leavers->slots[i];
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    POKE(&cache->top[id], top + count);
    if (count > 0)
        draw_next(cache, id, cache_count(cache, id));
    return count;
}

static void put(struct quarantine_leavers *leavers) {
    uint32_t kept = 0;
    if (leavers->count > 0 && comes_back(leavers->id)) {
        struct cache *cache = thread_enter();
        kept = cache ? keep(cache, leavers) : 0;
        thread_leave();
    }
    hardened_leave(leavers, kept);
}

void stock_put(struct quarantine_leavers *leavers) {
    put(leavers);
    while (leavers->more) {
        quarantine_leave_due(leavers);
        put(leavers);
    }
}
