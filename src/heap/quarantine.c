// heap/quarantine.c - see quarantine.h.
#include "heap/quarantine.h"

#include <errno.h>

#include "heap/secret.h"
#include "os/fail.h"
#include "os/lock.h"
#include "os/os.h"
#include "page/meta.h"

enum { PARTS = 4, RANDOM_BITS = 5, RANDOM_SLOTS = 1 << RANDOM_BITS, FRONT_SHARE = 64,
       SPARE_SHARE = 16, CLASSES = SMALL_CLASS_LAST + 1 };
// A part's queue has a place for each so many of its bytes, within these; all count as metadata.
enum { QUEUE_SLOT_BYTES = 128, QUEUE_LEAST = 1024, QUEUE_MOST = 1 << 16 };

// A class's batch: slots that have waited.
struct batch {
    uint32_t count, full;  // at how many it leaves; constant
    void    *slots[QUARANTINE_LEAVERS];
};

// Out of reach of the program.
struct store {
    struct batch   batches[CLASSES];
    uint32_t       slots[CLASSES];  // that are in the part, by class; read by anybody
    uintptr_t      queue[];         // quarantine_word; queue_slots of them
};

static struct part {
    struct lock    lock;
    uint32_t       first, count;  // of the queue
    size_t         bytes;         // in queue and random part; read by anybody
    struct store  *store;         // made at the first use, under the lock
    struct secret_dice dice;
    uintptr_t      random[RANDOM_SLOTS];  // quarantine_word; 0: nobody
} CACHE_ALIGNED parts[PARTS];

// Constant after start.
static size_t   part_bytes;   // the most of a part
static uint32_t queue_slots;  // a power of two
size_t          quarantine_front_most;

// None where there is no quarantine: their locks are not made then, nor their pages touched.
#define EACH_PART(part)                                                                            \
    for (struct part *part = parts; part_bytes && part < parts + PARTS; part++)

void quarantine_start(size_t bytes) {
    part_bytes = bytes / PARTS;
    queue_slots = QUEUE_LEAST;
    while (queue_slots < QUEUE_MOST && queue_slots < part_bytes / QUEUE_SLOT_BYTES)
        queue_slots *= 2;
    quarantine_front_most = min_size(QUARANTINE_FRONT_MOST, part_bytes / FRONT_SHARE);
    EACH_PART(part) {
        lock_init(&part->lock, RANK_QUARANTINE);
        part->dice = (struct secret_dice){.row = secret_random()};
    }
}

static uint32_t batch_slots(class_id id) {
    uint32_t fit = QUARANTINE_BATCH_BYTES / class_bytes(id);
    return fit > QUARANTINE_LEAVERS ? QUARANTINE_LEAVERS : fit < 2 ? 1 : fit;
}

// False: no memory for it.
COLD static bool make_store_locked(struct part *part) {
    int           before = errno;
    struct store *store = meta_forever(sizeof *store + queue_slots * sizeof *store->queue);
    for (unsigned id = SMALL_CLASS_FIRST; store && id < CLASSES; id++)
        store->batches[id].full = batch_slots((class_id)id);
    // Release: pairs with the acquire in quarantine_count; nobody else reads it without the lock.
    __atomic_store_n(&part->store, store, __ATOMIC_RELEASE);
    errno = before;
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

ALWAYS_INLINE void to_batch_locked(struct part *part, uintptr_t word,
                                   struct quarantine_leavers *leavers) {
    class_id      id = quarantine_class(word);
    struct batch *batch = &part->store->batches[id];
    POKE(&part->bytes, part->bytes - class_bytes(id));
    uint32_t count = batch->count++;
    batch->slots[count] = quarantine_slot(word);
    if (count + 1 >= batch->full)
        take_batch_locked(part, id, leavers);
}

// `nr`: from the first on.
ALWAYS_INLINE uintptr_t *queue_place(const struct part *part, uint32_t nr) {
    return &part->store->queue[(part->first + nr) & (queue_slots - 1)];
}

ALWAYS_INLINE uintptr_t first_locked(struct part *part) {
    uintptr_t word = *queue_place(part, 0);
    part->first = (part->first + 1) & (queue_slots - 1);
    part->count--;
    return word;
}

// Some place that somebody has; 0: none.
NOINLINE static uintptr_t random_locked(struct part *part) {
    unsigned start = secret_throw(&part->dice, RANDOM_BITS);
    for (unsigned i = 0; i < RANDOM_SLOTS; i++) {
        uintptr_t *place = &part->random[(start + i) % RANDOM_SLOTS], word = *place;
        if (!word)
            continue;
        *place = 0;
        return word;
    }
    return 0;
}

// The queue's first; where only the random ones are left, those: few large slots fill a part. Until
// there are `bytes_low`, or a batch leaves.
ALWAYS_INLINE void leave_locked(struct part *part, size_t bytes_low,
                                struct quarantine_leavers *leavers) {
    while (part->bytes > bytes_low && leavers->count == 0)
        to_batch_locked(part, part->count > 0 ? first_locked(part) : random_locked(part), leavers);
    leavers->more = part->bytes > bytes_low;
}

// What there is too much of. Then some more, so that the next ones that come find nothing to do:
// that every one is followed by another, or none, or two, is what a processor cannot foresee.
ALWAYS_INLINE void leave_due_locked(struct part *part, struct quarantine_leavers *leavers) {
    if (LIKELY(part->bytes <= part_bytes))
        return;
    leave_locked(part, part_bytes - part_bytes / SPARE_SHARE, leavers);
    leavers->more = part->bytes > part_bytes;
}

static void leave_batch_locked(struct part *part, struct quarantine_leavers *leavers) {
    for (unsigned id = SMALL_CLASS_FIRST; id < CLASSES && leavers->count == 0; id++)
        if (part->store->batches[id].count > 0)
            take_batch_locked(part, (class_id)id, leavers);
}

// --- the functions -------------------------------------------------------------------------------

ALWAYS_INLINE void enqueue_locked(struct part *part, uintptr_t word,
                                  struct quarantine_leavers *leavers) {
    if (UNLIKELY(part->count == queue_slots))
        to_batch_locked(part, first_locked(part), leavers);
    *queue_place(part, part->count) = word;
    part->count++;
}

static void note_locked(struct part *part, class_id id) {
    POKE(&part->bytes, part->bytes + class_bytes(id));
    count_slots_locked(part, id, 1);
}

ALWAYS_INLINE void put_locked(struct part *part, void *slot, class_id id,
                              struct quarantine_leavers *leavers) {
    uintptr_t *place = &part->random[secret_throw(&part->dice, RANDOM_BITS)], displaced = *place;
    *place = quarantine_word(slot, id);
    note_locked(part, id);
    if (LIKELY(displaced != 0))
        enqueue_locked(part, displaced, leavers);
    leave_due_locked(part, leavers);
}

static void leave_at_once(void *slot, class_id id, struct quarantine_leavers *leavers) {
    leavers->id = id;
    leavers->slots[leavers->count++] = slot;
}

// The first behind that one, the next ones in turn, that is not locked; locked.
NOINLINE static struct part *lock_another(struct part *part) {
    size_t start = (size_t)(part - parts);
    for (size_t i = 1; i < PARTS; i++)
        if (lock_try(&parts[(start + i) % PARTS].lock))
            return &parts[(start + i) % PARTS];
    int before = errno;
    lock_acquire_brief(&part->lock);
    errno = before;
    return part;
}

// That of this processor, if it is not locked.
ALWAYS_INLINE struct part *lock_some_part(void) {
    struct part *part = &parts[os_cpu() % PARTS];
    return LIKELY(lock_try(&part->lock)) ? part : lock_another(part);
}

void quarantine_put(void *slot, class_id id, struct quarantine_leavers *leavers) {
    quarantine_none_leave(leavers);
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

// Without a store each leaves at once.
void quarantine_pass(uintptr_t *words, uint32_t *count, bool may_grow,
                     struct quarantine_leavers *leavers) {
    quarantine_none_leave(leavers);
    struct part *part = lock_some_part();
    bool         waits = LIKELY(part->store != NULL) || (may_grow && make_store_locked(part));
    uint32_t     left = *count;
    while (left > 0 && leavers->count == 0) {
        uintptr_t word = words[--left];
        class_id  id = quarantine_class(word);
        if (UNLIKELY(!waits)) {
            leave_at_once(quarantine_slot(word), id, leavers);
            break;
        }
        note_locked(part, id);
        enqueue_locked(part, word, leavers);
        leave_due_locked(part, leavers);
    }
    POKE(count, left);
    lock_release_brief(&part->lock);
}

// From the first part that has some to give. `batches`: those, full or not; else what waits, down
// to `bytes_max` a part.
static void leave_some(bool batches, size_t bytes_max, struct quarantine_leavers *leavers) {
    quarantine_none_leave(leavers);
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
        if (part->random[i])
            look(quarantine_slot(part->random[i]));
    for (uint32_t i = 0; i < part->count; i++)
        look(quarantine_slot(*queue_place(part, i)));
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

static void check_waiting(uintptr_t word, size_t *bytes, uint32_t *slots) {
    if (!word)
        return;
    *bytes += class_bytes(quarantine_class(word));
    slots[quarantine_class(word)]++;
}

static void check_part(const struct part *part) {
    uint32_t slots[CLASSES] = {0};
    size_t   bytes = 0;
    if (part->count > queue_slots || part->first >= queue_slots)
        fail_internal("quarantine: the queue is out of its array");
    for (unsigned i = 0; i < RANDOM_SLOTS; i++)
        check_waiting(part->random[i], &bytes, slots);
    for (uint32_t i = 0; i < part->count; i++)
        check_waiting(*queue_place(part, i), &bytes, slots);
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
