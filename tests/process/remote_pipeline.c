// tests/process/remote_pipeline.c - allocate here, free there: four producers, one consumer, five
// times over; then the producers sleep for ever while the consumer frees.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { PRODUCERS = 4, RING = 1024, ROUNDS = 5, BLOCKS = 60 * 1000, BYTES_MAX = 2000 };
enum { MIB = 1 << 20, HELD = 40 * 1000, HELD_BYTES = 1200 };

// One producer, one consumer: head is written by the consumer, tail by the producer. Release and
// acquire: a block is filled before it is seen, its place free before it is filled again.
struct ring {
    _Atomic(unsigned) head, tail;
    char             *slots[RING];
};

static struct ring        rings[PRODUCERS];
static char              *held[PRODUCERS][HELD];
static pthread_barrier_t  filled;
static _Atomic(unsigned)  asleep;

static void put(struct ring *ring, char *block) {
    unsigned tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    while (tail - atomic_load_explicit(&ring->head, memory_order_acquire) == RING)
        sched_yield();
    ring->slots[tail % RING] = block;
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
}

// All that is there; how many blocks it was.
static unsigned drain(struct ring *ring) {
    unsigned head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    unsigned tail = atomic_load_explicit(&ring->tail, memory_order_acquire), count = tail - head;
    for (; head != tail; head++)
        free(ring->slots[head % RING]);
    atomic_store_explicit(&ring->head, head, memory_order_release);
    return count;
}

static void *produce(void *arg) {
    struct ring *ring = arg;
    uint64_t     random = (uint64_t)(ring - rings);
    for (int i = 0; i < BLOCKS; i++) {
        size_t size = 16 + test_random(&random) % (BYTES_MAX - 15);
        char  *block = malloc(size);
        CHECK(block != NULL);
        memset(block, i, size);
        put(ring, block);
    }
    return NULL;
}

static void pipeline(void) {
    pthread_t threads[PRODUCERS];
    unsigned  left = PRODUCERS * BLOCKS;
    for (int i = 0; i < PRODUCERS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, produce, &rings[i]), 0);
    while (left > 0)
        for (int i = 0; i < PRODUCERS; i++)
            left -= drain(&rings[i]);
    for (int i = 0; i < PRODUCERS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static void *hold(void *arg) {
    char **blocks = arg;
    for (int i = 0; i < HELD; i++) {
        CHECK((blocks[i] = malloc(HELD_BYTES)) != NULL);
        memset(blocks[i], i, HELD_BYTES);
    }
    pthread_barrier_wait(&filled);
    atomic_fetch_add(&asleep, 1);
    for (;;)
        pause();
    return NULL;
}

static void check_sleepers(void) {
    pthread_t thread;
    size_t    base = proc_rss(), bytes = (size_t)PRODUCERS * HELD * HELD_BYTES;
    CHECK_EQ(pthread_barrier_init(&filled, NULL, PRODUCERS + 1), 0);
    for (int i = 0; i < PRODUCERS; i++)
        CHECK_EQ(pthread_create(&thread, NULL, hold, held[i]), 0);
    pthread_barrier_wait(&filled);
    while (atomic_load(&asleep) < PRODUCERS)
        sched_yield();
    CHECK_LE(base + bytes, proc_rss());
    for (int i = 0; i < PRODUCERS; i++)
        for (int k = 0; k < HELD; k++)
            free(held[i][k]);
    size_t after = proc_rss();
    printf("sleepers: base %zu KiB, %zu KiB freed for them, after %zu KiB\n", base >> 10,
           bytes >> 10, after >> 10);
    CHECK_LE(after, base + bytes / 10);
}

int main(void) {
    test_watchdog(120);
    test_need_tide();
    // What may be live at once: full rings, a block in each producer's hand.
    size_t bound = (size_t)PRODUCERS * (RING + 1) * BYTES_MAX;
    size_t base = proc_rss();
    for (int i = 0; i < ROUNDS; i++)
        pipeline();
    size_t peak = proc_status_bytes("VmHWM");
    printf("pipeline: base %zu KiB, live bound %zu KiB, peak %zu KiB\n", base >> 10, bound >> 10,
           peak >> 10);
    CHECK_LE(peak, base + 3 * bound);
    check_sleepers();
    return 0;
}
