// heap/stock.c - see stock.h.
#include "heap/stock.h"

#include "conf/options.h"
#include "heap/secret.h"
#include "os/fail.h"
#include "os/lock.h"
#include "os/os.h"
#include "page/meta.h"

enum { PARTS = 8, CLASSES = SMALL_CLASS_LAST + 1 };

struct shelf {
    uint32_t count;               // written under the lock, read by anybody
    void    *slots[STOCK_SLOTS];  // the last is handed out first
};

static struct part {
    struct lock   lock;
    uint64_t      numbers;  // secret_next; under the lock
    struct shelf *shelves;  // one a class; made by the first put, under the lock
} CACHE_ALIGNED parts[PARTS] = {[0 ... PARTS - 1] = {.lock = LOCK_INIT(RANK_STOCK)}};

// None in any other process: nobody comes here then but fork and the figures.
#define EACH_PART(part)                                                                            \
    for (struct part *part = parts; option(OPT_HARDENED) && part < parts + PARTS; part++)

// The first that is not locked, from the one of this processor on; locked.
static struct part *lock_some_part(void) {
    unsigned start = os_cpu();
    for (unsigned i = 0; i < PARTS; i++)
        if (LIKELY(lock_try(&parts[(start + i) % PARTS].lock)))
            return &parts[(start + i) % PARTS];
    lock_acquire(&parts[start % PARTS].lock);
    return &parts[start % PARTS];
}

// The last one is the next to go.
static void draw_next_locked(struct part *part, struct shelf *shelf) {
    if (shelf->count == 0)
        return;
    void **last = &shelf->slots[shelf->count - 1];
    if (option(OPT_RANDOM_SLOTS)) {
        void **chosen = &shelf->slots[secret_next_below(&part->numbers, shelf->count)];
        void  *slot = *chosen;
        *chosen = *last;
        *last = slot;
    }
    __builtin_prefetch(*last, 1);
}

static void *take_locked(struct part *part, struct shelf *shelf) {
    void *slot = shelf->slots[shelf->count - 1];
    POKE(&shelf->count, shelf->count - 1);
    draw_next_locked(part, shelf);
    return slot;
}

// How few there may be.
static uint32_t least(class_id id) {
    return stock_wants(id) && option(OPT_RANDOM_SLOTS) ? STOCK_LEAST : 1;
}

static uint32_t batch(class_id id) {
    return stock_keeps(id) ? (uint32_t)min_size(STOCK_BYTES / class_bytes(id), STOCK_BATCH) : 1;
}

void *stock_take(class_id id, uint32_t *missing) {
    struct part  *part = lock_some_part();
    struct shelf *shelf = part->shelves ? &part->shelves[id] : NULL;
    uint32_t      count = shelf ? shelf->count : 0;
    void         *slot = NULL;
    if (LIKELY(count >= least(id)))
        slot = take_locked(part, shelf);
    lock_release(&part->lock);
    if (UNLIKELY(!slot))
        *missing = least(id) - 1 - count + batch(id);
    return slot;
}

void *stock_take_last(class_id id) {
    void *slot = NULL;
    EACH_PART(part) {
        lock_acquire(&part->lock);
        if (part->shelves && part->shelves[id].count > 0)
            slot = take_locked(part, &part->shelves[id]);
        lock_release(&part->lock);
        if (slot)
            break;
    }
    return slot;
}

// False: no memory for them.
static bool has_shelves_locked(struct part *part) {
    if (LIKELY(part->shelves != NULL))
        return true;
    part->numbers = secret_random();
    // Release: pairs with the acquire in stock_count; nobody else reads it without the lock.
    __atomic_store_n(&part->shelves, meta_forever(CLASSES * sizeof *part->shelves),
                     __ATOMIC_RELEASE);
    return part->shelves != NULL;
}

uint32_t stock_put(class_id id, void **slots, uint32_t count) {
    struct part *part = lock_some_part();
    uint32_t     put = 0;
    if (has_shelves_locked(part)) {
        struct shelf *shelf = &part->shelves[id];
        while (put < count && shelf->count < STOCK_SLOTS) {
            shelf->slots[shelf->count] = slots[put++];
            POKE(&shelf->count, shelf->count + 1);
        }
        draw_next_locked(part, shelf);
    }
    lock_release(&part->lock);
    return put;
}

uint32_t stock_drain(class_id id, void **slots) {
    uint32_t count = 0;
    EACH_PART(part) {
        lock_acquire(&part->lock);
        struct shelf *shelf = part->shelves ? &part->shelves[id] : NULL;
        for (; shelf && shelf->count > 0 && count < STOCK_BATCH; count++) {
            slots[count] = shelf->slots[shelf->count - 1];
            POKE(&shelf->count, shelf->count - 1);
        }
        lock_release(&part->lock);
        if (count > 0)
            break;
    }
    return count;
}

void stock_each(void (*look)(void *slot)) {
    EACH_PART(part) {
        lock_acquire(&part->lock);
        for (unsigned id = SMALL_CLASS_FIRST; part->shelves && id < CLASSES; id++)
            for (uint32_t i = 0; i < part->shelves[id].count; i++)
                look(part->shelves[id].slots[i]);
        lock_release(&part->lock);
    }
}

uint64_t stock_count(class_id id) {
    uint64_t count = 0;
    EACH_PART(part) {
        // Acquire: pairs with the release in has_shelves_locked.
        const struct shelf *shelves = __atomic_load_n(&part->shelves, __ATOMIC_ACQUIRE);
        count += shelves ? PEEK(&shelves[id].count) : 0;
    }
    return count;
}

static void check_shelf(const struct shelf *shelf) {
    if (shelf->count > STOCK_SLOTS)
        fail_internal("stock: a shelf is longer than its array");
    for (uint32_t i = 0; i < shelf->count; i++)
        for (uint32_t other = 0; other < i; other++)
            if (!shelf->slots[i] || shelf->slots[i] == shelf->slots[other])
                fail_internal("stock: a slot stands there twice");
}

void stock_check(void) {
    EACH_PART(part) {
        lock_acquire(&part->lock);
        for (unsigned id = SMALL_CLASS_FIRST; part->shelves && id < CLASSES; id++)
            check_shelf(&part->shelves[id]);
        lock_release(&part->lock);
    }
}

void stock_fork_prepare(void) {
    EACH_PART(part)
        lock_acquire_peer(&part->lock);
}
void stock_fork_parent(void) {
    EACH_PART(part)
        lock_release(&part->lock);
}
void stock_fork_child(void) {
    EACH_PART(part)
        lock_reset_in_child(&part->lock);
}
