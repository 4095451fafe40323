// local/cache.c - refill, overflow, growth, age of one cache; the fast paths are in entry/alloc.h.
#include "local/cache.h"

#include <string.h>

#include "conf/options.h"
#include "heap/hardened.h"
#include "heap/hardened_small.h"
#include "local/pulse.h"
#include "page/limit.h"
#include "page/page_gauge.h"

enum {
    SETTLE_FLUSHES = 8,      // flushes between two looks at the clock
    AGE_EVENTS = 256,        // slow paths between two looks for idle classes
    ROOM_BYTES_FREE = 8192,  // room up to this many bytes is given without asking for demand
    ROOM_BYTES_MAX = 524288,  // of one class; the largest classes have six slots
    UNPROVEN_BYTES = 1 << 20,  // of a thread, whatever it may have
    ROOM_SLOTS_MAX = 1022,
    ROOM_SLOTS_MIN = 3,      // the largest classes may have this many
    BATCH_MAX = 256,
    FLUSH_MAX = 128,         // slots: what a call that frees may have to wait for
    BYTES_MAX = 131072,      // of a batch or a flush: the larger the slots, the dearer each
    TOTAL_UNPROVEN = 4,      // of the budget of all threads: many park and never prove any,
    TOTAL_OF_MANY = 6,       // so those of many have less
    NEW_BYTES = 32 << 10,    // of a new one of many, until so many
    NEW_LOOKS = 2,           // looks for idle classes: most work little and park
    PROVEN_TURNS = 3,        // refill, flush, refill: a program that fills and frees once has one
    FOREIGN_FREES = 16,      // frees of a class, before any refill, that go to the bins
    LIMITED_ROOM = 65536,    // bytes of room that a cache may have above the soft limit
    STREAK_ROOMS = 12,       // rooms flushed in a row that may be a swing
};

static void *const no_slot[2] = {NULL, CACHE_FULL};
#define NOTHING ((void **)(uintptr_t)no_slot)

const struct cache_none cache_none = {.top = {[0 ... CLASS_COUNT - 1] = NOTHING}};

static void **word_at(struct cache *cache, uint32_t offset) {
    return (void **)cache + offset;
}
static void **bottom_of(struct cache *cache, class_id id) {
    return word_at(cache, cache->classes[id].bottom);
}
static uint32_t held(struct cache *cache, class_id id) {
    return (uint32_t)(cache->top[id] - bottom_of(cache, id));
}
// Most rooms are 2^n - 2: with the NULL below and FULL above they fill an array of 2^n words.
static uint32_t room_max(class_id id) {
    size_t words = min_size(ROOM_BYTES_MAX / class_bytes(id), ROOM_SLOTS_MAX + 2);
    return words < ROOM_SLOTS_MIN + 2 ? ROOM_SLOTS_MIN : (uint32_t)(words - 2);
}
static uint32_t room_start(class_id id) {
    uint32_t bytes = class_bytes(id);
    return bytes <= 256 ? 14 : bytes <= 1024 ? 6 : bytes <= 8192 ? 2 : 1;
}
static uint32_t most_at_once(class_id id) {
    return BYTES_MAX / class_bytes(id);
}
static uint32_t room_next(class_id id, uint32_t room) {
    return room == 0 ? room_start(id) : (uint32_t)min_size(room * 2 + 2, room_max(id));
}
// While they change, a class is empty and full for the fast paths: a signal handler that comes
// meanwhile finds nothing there, and its slow path is served by others.
static void hide(struct cache *cache, class_id id) {
    POKE(&cache->top[id], NOTHING);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
// Compiler fences on both sides: fork in another thread sees memory as of some instruction of ours.
static void set_busy(struct cache *cache, bool busy) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    POKE(&cache->busy, busy);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

// --- room ----------------------------------------------------------------------------------------

static bool is_above_soft_limit(void) {
    return limit_is_set() && limit_excess() > 0;
}

// What one of many holds of a slab also keeps its free slots.
static size_t unproven_most(const struct cache *cache) {
    return cache->looks < NEW_LOOKS && page_gauge_many() ? NEW_BYTES : UNPROVEN_BYTES;
}

// Room that all caches together may have, were one to have `own` bytes. Beyond what any thread may
// have, caches may have as much as the process holds: in a small heap more would be most of it.
// More than a quarter of a thread's most is for few threads: those that find most of the process's
// unused.
static size_t total_most(size_t own, bool proven) {
    size_t total = option(OPT_CACHE_TOTAL);
    if (!proven)
        total >>= page_gauge_many() ? TOTAL_OF_MANY : TOTAL_UNPROVEN;
    else if (own > option(OPT_CACHE) / 4)
        total /= 4;
    return own > UNPROVEN_BYTES ? min_size(total, arena_held()) : total;
}

// Bytes of room from the budgets of thread and process. False: one of them is used up, or the soft
// limit is and the cache has what it needs least.
static bool allow(struct cache *cache, size_t bytes, bool proven) {
    size_t own = cache->allowed + bytes, most = option(OPT_CACHE);
    if (own > LIMITED_ROOM && is_above_soft_limit())
        return false;
    if (own > (proven ? most : min_size(most / 4, unproven_most(cache))))
        return false;
    size_t total = total_most(own, proven);
    // A look spares the others the line: who has not what it wants comes often.
    if (PEEK(&page_gauge_caches.room_bytes) + bytes > total)
        return false;
    if (__atomic_add_fetch(&page_gauge_caches.room_bytes, bytes, __ATOMIC_RELAXED) > total) {
        __atomic_fetch_sub(&page_gauge_caches.room_bytes, bytes, __ATOMIC_RELAXED);
        return false;
    }
    cache->allowed += bytes;
    return true;
}

static void disallow(struct cache *cache, size_t bytes) {
    cache->allowed -= bytes;
    __atomic_fetch_sub(&page_gauge_caches.room_bytes, bytes, __ATOMIC_RELAXED);
}

// An array of 2^size words: an unused one, else from the bump. 0: the area is full.
static uint32_t new_array(struct cache *cache, unsigned size) {
    uint32_t offset = cache->spare[size];
    if (offset) {
        cache->spare[size] = (uint32_t)(uintptr_t)*word_at(cache, offset);
        return offset;
    }
    offset = cache->bump;
    if (offset + (1u << size) > CACHE_AREA_BYTES / sizeof(void *))
        return 0;
    POKE(&cache->bump, offset + (1u << size));
    return offset;
}

static void spare_array(struct cache *cache, uint32_t offset, unsigned size) {
    *word_at(cache, offset) = (void *)(uintptr_t)cache->spare[size];
    cache->spare[size] = offset;
}

// An array that holds `room` slots and the NULL below them.
static bool provide_array(struct cache *cache, class_id id, uint32_t room) {
    struct cache_class *class = &cache->classes[id];
    if (class->capacity >= room)
        return true;
    unsigned size = bits_highest(bits_round_up_power(room + 2));
    uint32_t offset = new_array(cache, size);
    if (!offset)
        return false;
    uint32_t count = class->bottom ? held(cache, id) : 0;
    void   **bottom = word_at(cache, offset);
    set_busy(cache, true);
    hide(cache, id);
    bottom[0] = NULL;
    for (uint32_t i = 1; i < 1u << size; i++)
        bottom[i] = i <= count ? bottom_of(cache, id)[i] : NULL;
    if (class->bottom)
        spare_array(cache, class->bottom, bits_highest(class->capacity + 2u));
    POKE(&class->bottom, offset);
    class->capacity = (uint16_t)((1u << size) - 2);
    POKE(&cache->top[id], bottom + count);
    set_busy(cache, false);
    return true;
}

// The word of the old FULL is room now, or behind the new one, where growing must find none.
static void set_room(struct cache *cache, class_id id, uint32_t room) {
    void **bottom = bottom_of(cache, id);
    bottom[cache->classes[id].room + 1] = NULL;
    bottom[room + 1] = CACHE_FULL;
    POKE(&cache->classes[id].room, (uint16_t)room);
}

// Doubles the room of a class (or gives it its first). False: it has the most, or no budget, or no
// space.
static bool grow(struct cache *cache, class_id id) {
    struct cache_class *class = &cache->classes[id];
    uint32_t room = room_next(id, class->room);
    if (room <= class->room)
        return false;
    size_t more = (size_t)(room - class->room) * class_bytes(id);
    if (!allow(cache, more, class->turns >= PROVEN_TURNS))
        return false;
    if (!provide_array(cache, id, room)) {
        disallow(cache, more);
        return false;
    }
    set_room(cache, id, room);
    return true;
}

// --- flush ---------------------------------------------------------------------------------------

// After memory came back: keeps the budget each time, asks the clock now and then.
static void settle(struct cache *cache) {
    if (++cache->flushes % SETTLE_FLUSHES == 0)
        arena_settle();
    else
        arena_keep_budget();
}

// Gives the oldest `count` slots back: those at the bottom. While some of them are given and still
// in the array, the cache is not to be drained by anybody else (caches_fork_child).
static void give_oldest(struct cache *cache, const char *function, class_id id, uint32_t count) {
    void   **bottom = bottom_of(cache, id);
    uint32_t rest = held(cache, id) - count;
    set_busy(cache, true);
    hide(cache, id);
    hardened_prove_free(bottom + 1, count);
    arena_give(function, id, bottom + 1, count);
    memmove(bottom + 1, bottom + 1 + count, rest * sizeof *bottom);
    POKE(&cache->top[id], bottom + rest);
    set_busy(cache, false);
}

static void flush(struct cache *cache, const char *function, class_id id, uint32_t count) {
    give_oldest(cache, function, id, count);
    settle(cache);
}

static void shrink_idle(struct cache *cache, class_id id) {
    struct cache_class *class = &cache->classes[id];
    uint32_t            count = held(cache, id), room = class->room / 2u;
    if (room < room_start(id))
        room = count > 1 ? class->room : 0;
    uint32_t keep = (uint32_t)min_size(count / 2, room);
    if (count > keep)
        flush(cache, "free", id, count - keep);
    disallow(cache, (size_t)(class->room - room) * class_bytes(id));
    set_room(cache, id, room);
    class->batch = 1;
}

// Theory 4: classes that saw no batch since the last look and hold what they held then are idle.
static void age(struct cache *cache) {
    cache->events = AGE_EVENTS;
    cache->looks += cache->looks < NEW_LOOKS;
    for (unsigned id = SMALL_CLASS_FIRST; id <= SMALL_CLASS_LAST; id++) {
        struct cache_class *class = &cache->classes[id];
        if (class->room == 0)
            continue;
        if (!class->active && class->seen == held(cache, (class_id)id))
            shrink_idle(cache, (class_id)id);
        class->active = false;
        class->seen = (uint16_t)held(cache, (class_id)id);
    }
}

static void begin_event(struct cache *cache, class_id id) {
    if (--cache->events == 0)
        age(cache);
    cache->classes[id].active = true;
}

static void note_turn(struct cache_class *class, bool refilled) {
    if (class->refilled != refilled && class->turns < UINT8_MAX)
        class->turns++;
    class->streak = refilled ? 0 : (uint8_t)min_size(class->streak + 1u, UINT8_MAX);
    class->refilled = refilled;
}

// One slot; of the smallest classes a cache line, which the slab then gives whole.
static uint32_t first_batch(class_id id) {
    return (uint32_t)max_size(CACHE_LINE / class_bytes(id), 1);
}

static uint32_t next_batch(struct cache *cache, class_id id) {
    struct cache_class *class = &cache->classes[id];
    uint32_t batch = class->batch ? class->batch : first_batch(id);
    if (batch >= class->room)
        grow(cache, id);
    batch = (uint32_t)min_size(batch, class->room);
    class->batch = (uint16_t)min_size(batch * 2u, min_size(BATCH_MAX, most_at_once(id)));
    return batch;
}

bool cache_meets_sample(struct cache *cache, class_id id) {
    struct cache_class *class = &cache->classes[id];
    if (*cache->top[id] != NULL)
        return false;
    if (class->until == 0)
        class->until = pulse_draw(class_bytes(id));
    if (class->until > 1)
        return false;
    class->until = pulse_draw(class_bytes(id));
    return true;
}

// The slots of a batch that come before the next sample; at least the one that is asked for. While
// a thread starts nobody asks for samples, and none is drawn.
static uint32_t before_sample(struct cache_class *class, uint32_t batch) {
    if (class->until == 0)
        return batch;
    uint32_t most = class->until > 1 ? class->until - 1 : 1;
    batch = (uint32_t)min_size(batch, most);
    class->until -= (uint32_t)min_size(max_size(batch, 1), most);
    return batch;
}

void *cache_refill(struct cache *cache, class_id id) {
    begin_event(cache, id);
    note_turn(&cache->classes[id], true);
    void    *slot = NULL;
    uint32_t batch = next_batch(cache, id);
    if (pulse_is_on())
        batch = before_sample(&cache->classes[id], batch);
    if (batch == 0) {
        arena_take(id, &slot, 1);
    } else {
        void   **bottom = bottom_of(cache, id);
        uint32_t count = arena_take(id, bottom + 1, batch);
        if (count > 0) {
            slot = bottom[count];
            POKE(&cache->top[id], bottom + count - 1);
        }
    }
    return slot;
}

uint32_t cache_restock(struct cache *cache, class_id id, uint32_t room, uint32_t count) {
    struct cache_class *class = &cache->classes[id];
    begin_event(cache, id);
    // Age may have taken half of it.
    size_t more = class->room < room ? (size_t)(room - class->room) * class_bytes(id) : 0;
    if (more > 0 && allow(cache, more, true)) {
        if (provide_array(cache, id, room))
            set_room(cache, id, room);
        else
            disallow(cache, more);
    }
    uint32_t holds = cache_count(cache, id), most = (uint32_t)min_size(count, class->room);
    return holds < most ? arena_take(id, cache->top[id] + 1, most - holds) : 0;
}

// More room helps when slots went both ways, or while it is little. The first slots of a class that
// a thread frees but never had are others': kept, they would come back to it, and share cache lines
// with what those others hold.
static bool wants_room(const struct cache *cache, class_id id) {
    const struct cache_class *class = &cache->classes[id];
    if (class->room == 0 && class->turns == 0 && class->streak < FOREIGN_FREES)
        return false;
    return class->refilled || (size_t)class->room * class_bytes(id) < ROOM_BYTES_FREE;
}

// After so many flushes in a row what is freed is not asked for again soon. The cache holds `room`
// slots or fewer.
static void shrink_room(struct cache *cache, class_id id, uint32_t room) {
    struct cache_class *class = &cache->classes[id];
    class->turns = 0;
    if (room < room_start(id) || (size_t)room * class_bytes(id) < ROOM_BYTES_FREE)
        return;
    disallow(cache, (size_t)(class->room - room) * class_bytes(id));
    set_room(cache, id, room);
}

// Half of the room, with the slot that comes; less where that are many.
static void flush_some(struct cache *cache, const char *function, class_id id) {
    const struct cache_class *class = &cache->classes[id];
    uint32_t room = class->room, half = room - (uint32_t)max_size(room / 2, 1) + 1;
    uint32_t count = (uint32_t)min_size(half, min_size(FLUSH_MAX, most_at_once(id)));
    flush(cache, function, id, count);
    if (class->streak * count >= STREAK_ROOMS * room || is_above_soft_limit())
        shrink_room(cache, id, room - count + 1);
}

void cache_overflow(struct cache *cache, const char *function, class_id id, void *slot) {
    begin_event(cache, id);
    struct cache_class *class = &cache->classes[id];
    // Age may have made room. And an odd pointer that was freed and handed out again is left above
    // top and passes for FULL: what is counted decides.
    bool grown = (class->bottom && held(cache, id) < class->room) ||
                 (wants_room(cache, id) && grow(cache, id));
    note_turn(class, false);
    if (class->room == 0) {
        arena_give(function, id, &slot, 1);
        arena_settle();
    } else {
        if (!grown)
            flush_some(cache, function, id);
        void **top = cache->top[id] + 1;
        *top = slot;
        __atomic_signal_fence(__ATOMIC_RELEASE);
        POKE(&cache->top[id], top);
    }
}

// --- life ---------------------------------------------------------------------------------------

// Who counts may look meanwhile.
static void clear_class(struct cache_class *class) {
    POKE(&class->bottom, 0);
    POKE(&class->room, 0);
    class->capacity = class->batch = class->seen = 0;
    class->until = 0;
    class->active = class->refilled = false;
    class->turns = class->streak = 0;
}

void cache_clear(struct cache *cache) {
    uint32_t      places = hardened_is_on() ? sizeof(struct place) * (SMALL_CLASS_LAST + 1) : 0;
    struct front *front = front_make((char *)(cache + 1) + places);
    cache->tops = (struct place *)(cache + 1);
    // Release: pairs with the acquire in caches_slots.
    __atomic_store_n(&cache->front, front, __ATOMIC_RELEASE);
    memset(cache->spare, 0, sizeof cache->spare);
    for (unsigned i = 0; i < CLASS_COUNT; i++)
        POKE(&cache->top[i], NOTHING);
    for (unsigned id = 0; id <= SMALL_CLASS_LAST; id++)
        clear_class(&cache->classes[id]);
    cache->events = AGE_EVENTS;
    cache->flushes = cache->looks = 0;
    cache->busy = false;
    disallow(cache, cache->allowed);
    uint32_t used = (uint32_t)sizeof *cache + places + (front ? (uint32_t)sizeof *front : 0);
    POKE(&cache->bump, used / (uint32_t)sizeof(void *));
}

void cache_drain(struct cache *cache) {
    front_drain(cache->front);
    for (unsigned id = SMALL_CLASS_FIRST; id <= SMALL_CLASS_LAST; id++) {
        if (cache->classes[id].room > 0 && held(cache, (class_id)id) > 0)
            give_oldest(cache, "free", (class_id)id, held(cache, (class_id)id));
        cache->classes[id].batch = 1;
    }
    arena_settle();
}

void cache_forget(struct cache *cache) {
    for (unsigned id = SMALL_CLASS_FIRST; id <= SMALL_CLASS_LAST; id++) {
        struct cache_class *class = &cache->classes[id];
        if (class->room > 0)
            set_room(cache, (class_id)id, 0);
        class->batch = class->seen = 0;
        class->active = class->refilled = false;
        class->turns = class->streak = 0;
    }
    cache->events = AGE_EVENTS;
    cache->flushes = cache->looks = 0;
    disallow(cache, cache->allowed);
}

uint64_t cache_held(struct cache *cache, class_id id) {
    void   **top = PEEK(&cache->top[id]);
    void   **bottom = word_at(cache, PEEK(&cache->classes[id].bottom));
    uint32_t room = PEEK(&cache->classes[id].room);
    return top >= bottom && top <= bottom + room ? (uint64_t)(top - bottom) : 0;
}
