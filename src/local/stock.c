// local/stock.c - see stock.h.
#include "local/stock.h"

#include <errno.h>

#include "conf/options.h"
#include "heap/hardened.h"
#include "heap/hardened_small.h"
#include "heap/secret.h"

_Static_assert((int)STOCK_SLOTS <= (int)SECRET_FEW, "one of all may be drawn");

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
        chosen -= secret_throw_below(&cache->dice, count);
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
    place_expect(slot, id);
}

// How many there are then; 0: the cache may have none, or there is no memory.
NOINLINE static uint32_t restock(struct cache *cache, class_id id) {
    if (cache->dice.row == 0)
        cache->dice.row = secret_random();
    uint32_t count = cache_restock(cache, id, room(id), least(id) - 1 + batch(id));
    if (count > 0)
        draw_next(cache, id, count);
    return count;
}

// Of `count` slots, at least one.
ALWAYS_INLINE void *draw(struct cache *cache, class_id id, uint32_t count) {
    void **top = cache->top[id], *slot = *top;
    POKE(&cache->top[id], top - 1);
    if (LIKELY(count > 1))
        draw_next(cache, id, count - 1);
    return slot;
}

static void *draw_or_restock(struct cache *cache, class_id id) {
    uint32_t count = cache_count(cache, id);
    if (!has_enough(cache, id, count))
        count = restock(cache, id);
    return count > 0 ? draw(cache, id, count) : NULL;
}

void *stock_take(class_id id) {
    struct cache *cache = thread_enter();
    void         *slot = NULL;
    if (LIKELY(cache != NULL) && comes_in_batches(id))
        slot = draw_or_restock(cache, id);
    if (!slot)
        arena_take(id, &slot, 1);
    thread_leave();
    return slot;
}

struct stock_block stock_take_ready(size_t bytes) {
    class_id id = size_class_of(bytes + proof_canary_bytes());
    void    *slot = NULL;
    thread_mark();
    struct cache *cache = PEEK(&thread_root.cache);
    uint32_t      count = cache != CACHE_NONE ? cache_count(cache, id) : 0;
    if (LIKELY(count >= STOCK_LEAST) || (count > 0 && has_enough(cache, id, count)))
        slot = draw(cache, id, count);
    thread_leave();
    if (UNLIKELY(!slot))
        return (struct stock_block){NULL, false};
    struct place place = place_held(slot, id);
    return (struct stock_block){slot, place_dress(&place, bytes)};
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

// --- freed ---------------------------------------------------------------------------------------

// What passes through the front, to the quarantine; what leaves that for it comes here. The caller
// is marked, and is not when it returns: a handler that came in between would find no room there.
// What is left of it has room.
NOINLINE static void pass_and_leave(struct front *front) {
    struct quarantine_leavers leavers;
    int                       before = errno;
    front_pass(front, &leavers);
    thread_leave();
    stock_put(&leavers);
    errno = before;
}

// Of a thread without a cache, or a large one.
NOINLINE static void put_past(void *slot, class_id id) {
    struct quarantine_leavers leavers;
    int                       before = errno;
    quarantine_put(slot, id, &leavers);
    stock_put(&leavers);
    errno = before;
}

bool stock_give_ready(const char *function, void *pointer) {
    class_id id = hardened_end_live(function, pointer);
    if (UNLIKELY(id == CLASS_NONE))
        return false;
    thread_mark();
    struct cache *cache = PEEK(&thread_root.cache);
    struct front *front = LIKELY(cache != CACHE_NONE) ? cache->front : NULL;
    if (UNLIKELY(!front) || UNLIKELY(class_bytes(id) > quarantine_front_most)) {
        thread_leave();
        put_past(pointer, id);
    } else if (LIKELY(front_put(front, pointer, id))) {
        thread_leave();
    } else {
        pass_and_leave(front);
    }
    return true;
}

bool stock_flush(void) {
    struct cache *cache = thread_enter();
    bool          some = cache && front_drain(cache->front);
    thread_leave();
    return some;
}
