// heap/quarantine.c - see quarantine.h.
#include "heap/quarantine.h"

#include "heap/secret.h"
#include "os/fail.h"
#include "os/lock.h"
#include "os/os.h"
#include "page/meta.h"

enum { PARTS = 4, RANDOM_SLOTS = 32, QUEUE_SLOTS = 4096, CLASSES = SMALL_CLASS_LAST + 1 };

struct waiting {
    void    *slot;  // NULL: nobody
    class_id id;
};

// A class's batch: slots that have waited.
struct batch {
    uint32_t count, full;  // at how many it leaves; constant
    void    *slots[QUARANTINE_LEAVERS];
};

// Out of reach of the program.
struct store {
    struct waiting queue[QUEUE_SLOTS];
    struct batch   batches[CLASSES];
    uint32_t       slots[CLASSES];  // that are in the part, by class; read by anybody
};

static struct part {
    struct lock    lock;
    uint32_t       first, count;  // of the queue
    size_t         bytes;         // in queue and random part
    uint64_t       numbers;       // secret_next
    struct store  *store;         // made at the first use, under the lock
    struct waiting random[RANDOM_SLOTS];
} CACHE_ALIGNED parts[PARTS];

static size_t part_bytes;  // the most of a part; constant after start

// None where there is no quarantine: their locks are not made then, nor their pages touched.
#define EACH_PART(part)                                                                            \
    for (struct part *part = parts; part_bytes && part < parts + PARTS; part++)

void quarantine_start(size_t bytes) {
    part_bytes = bytes / PARTS;
    EACH_PART(part) {
        lock_init(&part->lock, RANK_QUARANTINE);
        part->numbers = secret_random();
    }
}

static uint32_t batch_slots(class_id id) {
    uint32_t fit = QUARANTINE_BATCH_BYTES / class_bytes(id);
    return fit > QUARANTINE_LEAVERS ? QUARANTINE_LEAVERS : fit < 2 ? 1 : fit;
}

// False: no memory for it.
COLD static bool make_store_locked(struct part *part) {
    struct store *store = meta_forever(sizeof *part->store);
    for (unsigned id = SMALL_CLASS_FIRST; store && id < CLASSES; id++)
        store->batches[id].full = batch_slots((class_id)id);
    // Release: pairs with the acquire in quarantine_count; nobody else reads it without the lock.
    __atomic_store_n(&part->store, store, __ATOMIC_RELEASE);
    return store != NULL;
}

ALWAYS_INLINE void count_slots_locked(struct part *part, class_id id, uint32_t more) {
    POKE(&part->store->slots[id], part->store->slots[id] + more);
}

// --- what has waited -----------------------------------------------------------------------------

NOINLINE static void take_batch_locked(struct part *part, class_id id,
                                       struct quarantine_leavers *leavers) {
    struct batch *batch = &part->store->batches[id];
    leavers->id = id;
    leavers->count = batch->count;
    for (uint32_t i = 0; i < batch->count; i++)
        leavers->slots[i] = batch->slots[i];
    batch->count = 0;
    count_slots_locked(part, id, -leavers->count);
}

ALWAYS_INLINE void to_batch_locked(struct part *part, struct waiting waiting,
                                   struct quarantine_leavers *leavers) {
    struct batch *batch = &part->store->batches[waiting.id];
    part->bytes -= class_bytes(waiting.id);
    uint32_t count = batch->count++;
    batch->slots[count] = waiting.slot;
    if (count + 1 >= batch->full)
        take_batch_locked(part, waiting.id, leavers);
}

ALWAYS_INLINE struct waiting first_locked(struct part *part) {
    uint32_t first = part->first;
    part->first = (first + 1) % QUEUE_SLOTS;
    part->count--;
    return part->store->queue[first];
}

// Some place that somebody has; slot NULL: none.
NOINLINE static struct waiting random_locked(struct part *part) {
    unsigned start = secret_next_below(&part->numbers, RANDOM_SLOTS);
    for (unsigned i = 0; i < RANDOM_SLOTS; i++) {
        struct waiting *place = &part->random[(start + i) % RANDOM_SLOTS], waiting = *place;
        if (!waiting.slot)
            continue;
        place->slot = NULL;
        return waiting;
    }
    return (struct waiting){NULL, CLASS_NONE};
}

// The queue's first; where only the random ones are left, those: few large slots fill a part.
ALWAYS_INLINE void leave_locked(struct part *part, size_t bytes_max,
                                struct quarantine_leavers *leavers) {
    while (part->bytes > bytes_max && leavers->count == 0)
        to_batch_locked(part, part->count > 0 ? first_locked(part) : random_locked(part), leavers);
    leavers->more = part->bytes > bytes_max;
}

static void leave_batch_locked(struct part *part, struct quarantine_leavers *leavers) {
    for (unsigned id = SMALL_CLASS_FIRST; id < CLASSES && leavers->count == 0; id++)
        if (part->store->batches[id].count > 0)
            take_batch_locked(part, (class_id)id, leavers);
}

// --- the functions -------------------------------------------------------------------------------

ALWAYS_INLINE void enqueue_locked(struct part *part, struct waiting waiting,
                                  struct quarantine_leavers *leavers) {
    if (UNLIKELY(part->count == QUEUE_SLOTS))
        to_batch_locked(part, first_locked(part), leavers);
    part->store->queue[(part->first + part->count) % QUEUE_SLOTS] = waiting;
    part->count++;
}

ALWAYS_INLINE void put_locked(struct part *part, void *slot, class_id id,
                              struct quarantine_leavers *leavers) {
    struct waiting *place = &part->random[secret_next_below(&part->numbers, RANDOM_SLOTS)];
    struct waiting  displaced = *place;
    *place = (struct waiting){slot, id};
    part->bytes += class_bytes(id);
    count_slots_locked(part, id, 1);
    if (LIKELY(displaced.slot != NULL))
        enqueue_locked(part, displaced, leavers);
    leave_locked(part, part_bytes, leavers);
}

static void leave_at_once(void *slot, class_id id, struct quarantine_leavers *leavers) {
    leavers->id = id;
    leavers->slots[leavers->count++] = slot;
}

// The first that is not locked, from the one of this processor on; locked.
ALWAYS_INLINE struct part *lock_some_part(void) {
    unsigned start = os_cpu();
    for (unsigned i = 0; i < PARTS; i++)
        if (LIKELY(lock_try(&parts[(start + i) % PARTS].lock)))
            return &parts[(start + i) % PARTS];
    lock_acquire_brief(&parts[start % PARTS].lock);
    return &parts[start % PARTS];
}

void quarantine_put(void *slot, class_id id, struct quarantine_leavers *leavers) {
    leavers->count = 0;
    leavers->more = false;
    // Without the lock, which fork does not take where there is no quarantine.
    if (UNLIKELY(class_bytes(id) > part_bytes)) {
        leave_at_once(slot, id, leavers);
        return;
    }
    struct part *part = lock_some_part();
    if (LIKELY(part->store != NULL) || make_store_locked(part))
        put_locked(part, slot, id, leavers);
    else
        leave_at_once(slot, id, leavers);
    lock_release_brief(&part->lock);
}

// From the first part that has some to give. `batches`: those, full or not; else what waits, down
// to `bytes_max` a part.
static void leave_some(bool batches, size_t bytes_max, struct quarantine_leavers *leavers) {
    leavers->count = 0;
    leavers->more = false;
    EACH_PART(part) {
        lock_acquire_brief(&part->lock);
        if (part->store && batches)
            leave_batch_locked(part, leavers);
        else if (part->store)
            leave_locked(part, bytes_max, leavers);
        lock_release_brief(&part->lock);
        if (leavers->count > 0)
            return;
    }
}

void quarantine_leave_due(struct quarantine_leavers *leavers) {
    leave_some(false, part_bytes, leavers);
}

void quarantine_leave_batch(struct quarantine_leavers *leavers) {
    leave_some(true, 0, leavers);
}

void quarantine_leave_all(struct quarantine_leavers *leavers) {
    leave_some(false, 0, leavers);
    if (leavers->count == 0)
        quarantine_leave_batch(leavers);
}

static void each_locked(const struct part *part, void (*look)(void *slot)) {
    for (unsigned i = 0; i < RANDOM_SLOTS; i++)
        if (part->random[i].slot)
            look(part->random[i].slot);
    for (uint32_t i = 0; i < part->count; i++)
        look(part->store->queue[(part->first + i) % QUEUE_SLOTS].slot);
    for (unsigned id = SMALL_CLASS_FIRST; part->store && id < CLASSES; id++)
        for (uint32_t i = 0; i < part->store->batches[id].count; i++)
            look(part->store->batches[id].slots[i]);
}

void quarantine_each(void (*look)(void *slot)) {
    EACH_PART(part) {
        lock_acquire_brief(&part->lock);
        each_locked(part, look);
        lock_release_brief(&part->lock);
    }
}

size_t quarantine_bytes(void) {
    size_t bytes = 0;
    EACH_PART(part)
        bytes += PEEK(&part->bytes);
    return bytes;
}

uint64_t quarantine_count(class_id id) {
    uint64_t count = 0;
    EACH_PART(part) {
        // Acquire: pairs with the release in make_store_locked.
        const struct store *store = __atomic_load_n(&part->store, __ATOMIC_ACQUIRE);
        count += store ? PEEK(&store->slots[id]) : 0;
    }
    return count;
}

// --- the checker ---------------------------------------------------------------------------------

static void check_waiting(const struct waiting *waiting, size_t *bytes, uint32_t *slots) {
    if (!waiting->slot)
        return;
    *bytes += class_bytes(waiting->id);
    slots[waiting->id]++;
}

static void check_part(const struct part *part) {
    uint32_t slots[CLASSES] = {0};
    size_t   bytes = 0;
    if (part->count > QUEUE_SLOTS || part->first >= QUEUE_SLOTS)
        fail_internal("quarantine: the queue is out of its array");
    for (unsigned i = 0; i < RANDOM_SLOTS; i++)
        check_waiting(&part->random[i], &bytes, slots);
    for (uint32_t i = 0; i < part->count; i++)
        check_waiting(&part->store->queue[(part->first + i) % QUEUE_SLOTS], &bytes, slots);
    if (bytes != part->bytes)
        fail_internal("quarantine: the bytes are not the sum of what waits");
    for (unsigned id = SMALL_CLASS_FIRST; id < CLASSES; id++)
        if (slots[id] + part->store->batches[id].count != part->store->slots[id])
            fail_internal("quarantine: a class has not as many slots as are counted");
}

void quarantine_check(void) {
    EACH_PART(part) {
        lock_acquire_brief(&part->lock);
        if (part->store)
            check_part(part);
        lock_release_brief(&part->lock);
    }
}

void quarantine_fork_prepare(void) {
    EACH_PART(part)
        lock_acquire_brief(&part->lock);
}
void quarantine_fork_parent(void) {
    EACH_PART(part)
        lock_release_brief(&part->lock);
}
void quarantine_fork_child(void) {
    EACH_PART(part)
        lock_reset_in_child(&part->lock);
}
