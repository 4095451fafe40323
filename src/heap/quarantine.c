// heap/quarantine.c - see quarantine.h.
#include "heap/quarantine.h"

#include "heap/secret.h"
#include "os/fail.h"
#include "os/lock.h"
#include "os/os.h"
#include "page/meta.h"

enum { PARTS = 4, RANDOM_SLOTS = 32, QUEUE_SLOTS = 4096 };

struct waiting {
    void    *slot;  // NULL: nobody
    uint32_t bytes;
};

static struct part {
    struct lock     lock;
    uint32_t        first, count;  // of the queue
    size_t          bytes;         // in both
    struct waiting *queue;         // QUEUE_SLOTS, made at the first use
    struct waiting  random[RANDOM_SLOTS];
} CACHE_ALIGNED parts[PARTS];

static size_t part_bytes;  // the most of a part; constant after start

// None where there is no quarantine: their locks are not made then, nor their pages touched.
#define EACH_PART(part)                                                                            \
    for (struct part *part = parts; part_bytes && part < parts + PARTS; part++)

void quarantine_start(size_t bytes) {
    part_bytes = bytes / PARTS;
    EACH_PART(part)
        lock_init(&part->lock, RANK_QUARANTINE);
}

// The queue's array, out of reach of the program. False: no memory for it.
static bool has_queue_locked(struct part *part) {
    if (UNLIKELY(!part->queue))
        part->queue = meta_forever(QUEUE_SLOTS * sizeof *part->queue);
    return part->queue != NULL;
}

static void leave_first_locked(struct part *part, struct quarantine_leavers *leavers) {
    struct waiting *waiting = &part->queue[part->first];
    leavers->slots[leavers->count++] = waiting->slot;
    part->bytes -= waiting->bytes;
    waiting->slot = NULL;
    part->first = (part->first + 1) % QUEUE_SLOTS;
    part->count--;
}

static void leave_random_locked(struct part *part, struct quarantine_leavers *leavers) {
    for (unsigned i = 0; i < RANDOM_SLOTS && leavers->count < QUARANTINE_LEAVERS; i++) {
        struct waiting *waiting = &part->random[i];
        if (!waiting->slot)
            continue;
        leavers->slots[leavers->count++] = waiting->slot;
        part->bytes -= waiting->bytes;
        waiting->slot = NULL;
    }
}

// The queue's first; where only the random ones are left, those: few large slots fill a part.
static void leave_locked(struct part *part, size_t bytes_max, struct quarantine_leavers *leavers) {
    while (part->bytes > bytes_max && part->count > 0 && leavers->count < QUARANTINE_LEAVERS)
        leave_first_locked(part, leavers);
    if (part->bytes > bytes_max && part->count == 0)
        leave_random_locked(part, leavers);
}

static void enqueue_locked(struct part *part, struct waiting waiting,
                           struct quarantine_leavers *leavers) {
    if (part->count == QUEUE_SLOTS)
        leave_first_locked(part, leavers);
    part->queue[(part->first + part->count) % QUEUE_SLOTS] = waiting;
    part->count++;
}

void quarantine_put(void *slot, uint32_t bytes, struct quarantine_leavers *leavers) {
    struct part *part = &parts[os_cpu() % PARTS];
    leavers->count = 0;
    // Without the lock, which fork does not take where there is no quarantine.
    if (bytes > part_bytes) {
        leavers->slots[leavers->count++] = slot;
        return;
    }
    lock_acquire(&part->lock);
    if (!has_queue_locked(part)) {
        leavers->slots[leavers->count++] = slot;
    } else {
        struct waiting *place = &part->random[secret_below(RANDOM_SLOTS)], displaced = *place;
        *place = (struct waiting){slot, bytes};
        part->bytes += bytes;
        if (displaced.slot)
            enqueue_locked(part, displaced, leavers);
        leave_locked(part, part_bytes, leavers);
    }
    lock_release(&part->lock);
}

void quarantine_leave(bool all, struct quarantine_leavers *leavers) {
    leavers->count = 0;
    EACH_PART(part) {
        lock_acquire(&part->lock);
        leave_locked(part, all ? 0 : part_bytes, leavers);
        lock_release(&part->lock);
    }
}

void quarantine_each(void (*look)(void *slot)) {
    EACH_PART(part) {
        lock_acquire(&part->lock);
        for (unsigned i = 0; i < RANDOM_SLOTS; i++)
            if (part->random[i].slot)
                look(part->random[i].slot);
        for (uint32_t i = 0; i < part->count; i++)
            look(part->queue[(part->first + i) % QUEUE_SLOTS].slot);
        lock_release(&part->lock);
    }
}

size_t quarantine_bytes(void) {
    size_t bytes = 0;
    EACH_PART(part)
        bytes += PEEK(&part->bytes);
    return bytes;
}

static void check_part(const struct part *part) {
    size_t bytes = 0;
    for (unsigned i = 0; i < RANDOM_SLOTS; i++)
        bytes += part->random[i].slot ? part->random[i].bytes : 0;
    for (uint32_t i = 0; i < part->count; i++)
        bytes += part->queue[(part->first + i) % QUEUE_SLOTS].bytes;
    if (bytes != part->bytes)
        fail_internal("quarantine: the bytes are not the sum of what waits");
    if (part->count > QUEUE_SLOTS || part->first >= QUEUE_SLOTS)
        fail_internal("quarantine: the queue is out of its array");
}

void quarantine_check(void) {
    EACH_PART(part) {
        lock_acquire(&part->lock);
        check_part(part);
        lock_release(&part->lock);
    }
}

void quarantine_fork_prepare(void) {
    EACH_PART(part)
        lock_acquire_peer(&part->lock);
}
void quarantine_fork_parent(void) {
    EACH_PART(part)
        lock_release(&part->lock);
}
void quarantine_fork_child(void) {
    EACH_PART(part)
        lock_reset_in_child(&part->lock);
}
