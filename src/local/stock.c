// local/stock.c - see stock.h.
#include "local/stock.h"

#include <errno.h>

#include "conf/options.h"
#include "heap/hardened.h"
#include "heap/hardened_small.h"
#include "heap/secret.h"

_Static_assert((int)STOCK_SLOTS <= (int)SECRET_FEW, "one of all may be drawn");

static bool is_one_of_many(class_id id) {
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
    return is_one_of_many(id) ? STOCK_SLOTS : STOCK_BATCHES * batch(id);
}

// How few there may be.
static uint32_t least(class_id id) {
    return is_one_of_many(id) && option(OPT_RANDOM_SLOTS) ? STOCK_LEAST : 1;
}

// Where age took room away, and the budgets do not give it back: half of what is left.
static bool has_enough(const struct cache *cache, class_id id, uint32_t count) {
    uint32_t has = cache->classes[id].room;
    return LIKELY(count >= least(id)) || (count > 0 && has < STOCK_LEAST && count >= has / 2);
}

// `fresh` slots that came stand above the top. They get places by chance among all that are there,
// and those who had these theirs: so who goes next is one of all. A fork by another thread sees
// memory as of some instruction of this, and has to find no slot twice: what is above the top is
// not there, and the child has lost a few of those that came, or that change places.
// How many there are then.
static uint32_t mix_in(struct cache *cache, class_id id, uint32_t fresh) {
    void   **top = cache->top[id], **last = top + fresh;
    uint32_t had = cache_count(cache, id), count = had;
    if (cache->dice.row == 0)
        cache->dice.row = secret_random();
    for (void **came = top + 1; option(OPT_RANDOM_SLOTS) && came <= last; came++) {
        void **chosen = came - secret_throw_below(&cache->dice, ++count), *slot = *came;
        *came = *chosen;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        *chosen = slot;
    }
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    POKE(&cache->top[id], last);
    if (had + fresh > 0)
        cache->tops[id] = place_expect(*last, id);
    return had + fresh;
}

// How many there are then; 0: the cache may have none, or there is no memory.
NOINLINE static uint32_t restock(struct cache *cache, class_id id) {
    return mix_in(cache, id, cache_restock(cache, id, room(id), least(id) - 1 + batch(id)));
}

// Of `count` slots, at least one.
ALWAYS_INLINE struct place draw(struct cache *cache, class_id id, uint32_t count) {
    void       **top = cache->top[id];
    struct place place = cache->tops[id];
    ASSERT(place.base == (uintptr_t)*top);
    POKE(&cache->top[id], top - 1);
    if (LIKELY(count > 1))
        cache->tops[id] = place_expect(top[-1], id);
    return place;
}

static void *draw_or_restock(struct cache *cache, class_id id) {
    uint32_t count = cache_count(cache, id);
    if (!has_enough(cache, id, count))
        count = restock(cache, id);
    return count > 0 ? (void *)draw(cache, id, count).base : NULL;
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
    thread_mark();
    struct cache *cache = PEEK(&thread_root.cache);
    uint32_t      count = cache != CACHE_NONE ? cache_count(cache, id) : 0;
    if (UNLIKELY(count < STOCK_LEAST) && (count == 0 || !has_enough(cache, id, count))) {
        thread_leave();
        return (struct stock_block){NULL, false};
    }
    struct place place = draw(cache, id, count);
    thread_leave();
    return (struct stock_block){(void *)place.base, place_dress(&place, bytes)};
}

// How many of them stayed. A class that the thread does not take has no room.
static uint32_t keep(struct cache *cache, const struct quarantine_leavers *leavers) {
    class_id id = leavers->id;
    void   **top = cache->top[id];
    uint32_t fit = cache_room_left(cache, id), count = leavers->count < fit ? leavers->count : fit;
    for (uint32_t i = 0; i < count; i++)
        top[i + 1] = leavers->slots[i];
    mix_in(cache, id, count);
    return count;
}

static void put(struct quarantine_leavers *leavers) {
    uint32_t kept = 0;
    if (leavers->count > 0 && comes_in_batches(leavers->id)) {
        struct cache *cache = thread_enter();
        kept = cache ? keep(cache, leavers) : 0;
        thread_leave();
    }
    hardened_leave(leavers, kept);
}

void stock_put(struct quarantine_leavers *leavers) {
    int before = errno;
    put(leavers);
    while (leavers->more) {
        quarantine_leave_due(leavers);
        put(leavers);
    }
    errno = before;
}

// --- freed ---------------------------------------------------------------------------------------

// What passes through the front, to the quarantine; what leaves that for it comes here. The caller
// is marked, and is not when it returns: a handler that came in between would find no room there.
// What is left of it has room.
NOINLINE static void pass_and_leave(struct front *front) {
    struct quarantine_leavers leavers;
    front_pass(front, &leavers);
    thread_leave();
    stock_put(&leavers);
}

// Of a thread without a cache, or a large one.
NOINLINE static void put_past(void *slot, class_id id) {
    struct quarantine_leavers leavers;
    quarantine_put(slot, id, &leavers);
    stock_put(&leavers);
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
