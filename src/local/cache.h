// local/cache.h - what the fast paths touch: for each size class a stack of free slots, in arrays.
//
//   bottom   bottom + 1 ........ top         bottom + room   + 1      bottom + capacity + 1
//   | NULL   | slot | slot | slot | slot |      free       | FULL |    not yet    |
//
// Theory
//  1. A pop takes *top; the NULL at the bottom is what an empty stack answers, and what the shared
//     empty cache answers for every class. No cache yet, empty, and not started are one test.
//  2. A push stores above top unless the word there is odd: FULL stands behind the room, what is
//     left of popped slots is even. Classes that are not small, and all classes of the empty cache,
//     have FULL above top for ever, so that the class byte of the page map needs no test of its
//     own, and no array of limits is looked at.
//  3. A cached slot is neither read nor written; to its slab it is a taken one.
//  4. Slow start: a class begins with no room, then a little; batches from the bins double with
//     every refill. Room doubles within TIDE_CACHE bytes a thread and TIDE_CACHE_TOTAL a process
//     (room is what is counted, so what is cached can only be less), but beyond a mebibyte, or a
//     quarter of the one or a sixteenth of the other, only for demand that is proven: refills and
//     flushes that take turns, because then room saves both. A thread gets more than a quarter of
//     its most while all caches have less than a quarter of theirs: one busy thread may hold what
//     four may hold together. And more than a mebibyte it gets while all caches have less room than
//     the process has memory: the caches of a small heap are small.
//     After several rooms were flushed in a row each flush takes its share of the room: a thread
//     that frees a lot and parks holds little. A flush is short, so that no call waits long.
//     Classes idle for a while lose half of what they hold.
//  5. Arrays start small in the cache's own area and are replaced by larger ones as room grows: an
//     idle thread's cache is one or two pages. They stay when the thread goes: the cache's next
//     thread, which is likely to use the same classes, finds them made.
// Who writes: the owner alone, with relaxed stores (others look at tops to count). A cache is never
// unmapped, so lookers need no protection; whose it is stands outside the area (caches.h).
#pragma once
#include "heap/arena.h"
#include "local/front.h"

enum { CACHE_AREA_BYTES = 192 << 10, CACHE_ARRAY_SIZES = 12 };

struct cache_class {
    uint32_t bottom;    // offset of the array's bottom in the area, in words; 0 = no array yet
    uint16_t room;      // slots between the bottom and FULL
    uint16_t capacity;  // the most that `room` can be in this array
    uint16_t batch;     // of the next refill
    uint16_t seen;      // how many it held when age last looked
    bool     active;    // was refilled or flushed since
    bool     refilled;  // since the last flush
    uint8_t  turns;     // from refill to flush and back
    uint8_t  streak;    // flushes in a row
    uint32_t until;     // the handed slot that will be a sample (pulse.h), from 1; 0 = not drawn
};

struct place;

struct cache {
    // hot: indexed by the class byte
    void **top[CLASS_COUNT];
    // slow paths only
    struct cache_class classes[SMALL_CLASS_LAST + 1];
    struct cache_seat *seat;     // its record in the list of all caches; constant while in use
    bool               busy;     // slots are given back and still in an array, or arrays change
    uint32_t           events;   // slow paths until age looks again
    uint32_t           flushes;  // since birth
    uint32_t           looks;    // for idle classes, up to two: of a cache that is new
    size_t             allowed;  // room of all classes, in bytes
    uint32_t           bump;     // first unused word of the area; read by anybody
    uint32_t           spare[CACHE_ARRAY_SIZES];  // unused arrays of 2^n words: offset of the first
    struct secret_dice dice;  // stock.h: its choices; `row` 0 = not begun
    struct front      *front;  // front_make's; behind the cache, always there: others look, too
    struct place      *tops;   // stock.h: by class, what is known of the slot on top; behind the
                               // cache of a hardened process, and nowhere in others
};

#define CACHE_FULL ((void *)1)

// False: FULL stands above.
ALWAYS_INLINE bool cache_has_room(void *const *top) {
    return ((uintptr_t)top[1] & 1) == 0;
}

// The shared cache that has nothing and takes nothing: of a cache, what the fast paths touch.
struct cache_none {
    void **top[CLASS_COUNT];
};
_Static_assert(offsetof(struct cache, top) == offsetof(struct cache_none, top), "one fast path");
extern const struct cache_none cache_none;
#define CACHE_NONE ((struct cache *)(uintptr_t)&cache_none)

// Makes an area ready whose content is not to be believed: a new one, or after fork one that was
// cut in the middle of a batch. No other thread looks; its room returns to the budget.
void cache_clear(struct cache *cache);
// The stack of `id` is empty: gets a batch and returns one of it. NULL: no memory.
void *cache_refill(struct cache *cache, class_id id);
// True: the allocation that found the stack of `id` empty is a sample, to be served by others, and
// the next one is drawn. To be asked before each refill while there are any.
bool cache_meets_sample(struct cache *cache, class_id id);
// The stack of `id` has no room: makes some and pushes. `function` is named should the batch hold a
// misused pointer.
void cache_overflow(struct cache *cache, const char *function, class_id id, void *slot);
// Of hardened processes (stock.h): gives the class room for `room` slots, if the budgets allow it,
// and takes what it has less than `count`, as far as there is room and memory. How many came: they
// stand above the top, which the caller moves. What it had may have become less.
uint32_t cache_restock(struct cache *cache, class_id id, uint32_t room, uint32_t count);
// The owner asks: slots that the class holds, and for how many more it has room.
ALWAYS_INLINE uint32_t cache_count(const struct cache *cache, class_id id) {
    const uint32_t bottom = cache->classes[id].bottom;
    return bottom ? (uint32_t)(cache->top[id] - ((void **)cache + bottom)) : 0;
}
ALWAYS_INLINE uint32_t cache_room_left(const struct cache *cache, class_id id) {
    return cache->classes[id].room - cache_count(cache, id);
}
// Gives all slots back.
void cache_drain(struct cache *cache);
// A drained cache starts anew. The arrays stay: its next thread will use much the same classes.
void cache_forget(struct cache *cache);
// Slots it holds of one class, asked by any thread: a figure of a moment, the owner may be moving
// its top. Those in front are not among them.
uint64_t cache_held(struct cache *cache, class_id id);
