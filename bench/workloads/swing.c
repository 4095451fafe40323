// bench/workloads/swing.c - demand that swings: 300 MiB are filled and emptied, every 200 ms.
//
// Who gives all of it back each time faults all of it in again each time; who keeps it is idle at
// its peak. The page faults of a run say which; its percentiles say whether single calls of malloc
// and free wait for it. Most of its time it sleeps, so its CPU time is what compares.
#include "workloads/histogram.h"
#include "workloads/pool.h"

enum { PERIOD_NS = 200000000, NS_PER_S = 1000000000 };
enum { LEAST = 16, MOST = 64 * KIB, SLOTS = 65536 };  // about 38,000 of the slots are used
#define FULL_BYTES (300 * (size_t)MIB)

static struct histogram malloc_times, free_times;
static uint64_t         next_ns;  // when the period ends; written by step() alone

static void *setup(unsigned threads) {
    struct pool *pool = pool_new(threads, SLOTS);
    ticks_begin();
    next_ns = now_ns();
    return pool;
}

static size_t fill(struct pool *pool, struct bench_thread *thread) {
    size_t used = 0;
    for (size_t filled = 0; filled < FULL_BYTES; used++) {
        workload_check(used < pool->count, "more blocks than the swing has slots");
        size_t   bytes = random_size(thread, LEAST, MOST);
        uint64_t begin = now_ticks();
        void    *block = malloc(bytes);
        histogram_count(&malloc_times, begin, now_ticks());
        slot_take(&pool->slots[used], block, bytes);
        filled += bytes;
    }
    return used;
}

static void empty(struct pool *pool, size_t used) {
    for (size_t i = 0; i < used; i++) {
        struct slot *slot = &pool->slots[i];
        slot_check(slot);
        uint64_t begin = now_ticks();
        free(slot->block);
        histogram_count(&free_times, begin, now_ticks());
        slot->block = NULL;
    }
}

// Until the period is over; at once when filling and emptying took longer.
static void await_period(void) {
    next_ns += PERIOD_NS;
    struct timespec until = {.tv_sec = (time_t)(next_ns / NS_PER_S),
                             .tv_nsec = (long)(next_ns % NS_PER_S)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
        continue;
    uint64_t now = now_ns();
    if (now > next_ns + PERIOD_NS)
        next_ns = now;
}

static uint64_t step(void *state, struct bench_thread *thread) {
    size_t used = fill(state, thread);
    empty(state, used);
    await_period();
    return used;
}

static void counters(void *state, struct counter_sink *sink) {
    (void)state;
    double tick = ns_per_tick();
    histogram_put(&malloc_times, tick, "malloc", sink);
    histogram_put(&free_times, tick, "free", sink);
}

const struct workload workload_swing = {
    .name = "swing",
    .family = "swing",
    .pattern = "Batches with a pause between them: 300 MiB of 16 B to 64 KiB filled and emptied, "
               "every 200 ms",
    .threads = ON_1,
    .steps = 15,
    .churn = 15 * 300 * (uint64_t)MIB,
    .solo = true,
    .setup = setup,
    .step = step,
    .counters = counters,
    .teardown = pool_free,
};
