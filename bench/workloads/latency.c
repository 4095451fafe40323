// bench/workloads/latency.c - how long single calls of malloc and of free take, up to the slowest.
//
// Reported are the percentiles of histogram.h for malloc and for free, with calls_timed, of each,
// and clock_p50_ns, what timing nothing takes; that is part of all other figures. Calls are counted
// once the table is full.
#include "workloads/histogram.h"
#include "workloads/pool.h"

enum { LIVE = 8192, LARGE_SLOTS = 4, ROUNDS = 32, LARGE_ONCE_IN = 256 };
enum { SMALL_LEAST = 16, SMALL_MOST = 16 * KIB, LARGE_LEAST = 64 * KIB, LARGE_MOST = MIB };
enum { THREADS_MOST = 4 };

static struct latencies {
    struct histogram malloc, free, clock;
} __attribute__((aligned(64))) latencies[THREADS_MOST];

static void *setup(unsigned threads) {
    workload_check(threads <= THREADS_MOST, "more threads than latency.c has histograms");
    memset(latencies, 0, sizeof latencies);
    ticks_begin();
    return pool_new(threads, LIVE);
}

static inline size_t slot_size(const struct slot *slot, const struct slot *large,
                               struct bench_thread *thread) {
    return slot < large ? random_size(thread, SMALL_LEAST, SMALL_MOST)
                        : random_size(thread, LARGE_LEAST, LARGE_MOST);
}

static inline void slot_renew(struct latencies *times, struct slot *slot, size_t bytes) {
    slot_check(slot);
    uint64_t begin = now_ticks();
    free(slot->block);
    uint64_t freed = now_ticks();
    void    *block = malloc(bytes);
    uint64_t done = now_ticks();
    histogram_count(&times->free, begin, freed);
    histogram_count(&times->malloc, freed, done);
    slot_take(slot, block, bytes);
}

// Large blocks are written throughout; all of a thread's slots after `large` hold such.
static uint64_t step(void *state, struct bench_thread *thread) {
    struct pool      *pool = state;
    struct latencies *times = &latencies[thread->rank];
    struct slot      *slots = pool_part(pool, thread), *large = slots + pool->each - LARGE_SLOTS;
    for (; thread->scratch[0] < pool->each; thread->scratch[0]++) {
        struct slot *slot = &slots[thread->scratch[0]];
        slot_fill(slot, slot_size(slot, large, thread));
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        bool         is_large = random_below(thread, LARGE_ONCE_IN) == 0;
        struct slot *slot = is_large ? large + random_below(thread, LARGE_SLOTS)
                                     : slots + random_below(thread, pool->each - LARGE_SLOTS);
        slot_renew(times, slot, slot_size(slot, large, thread));
        if (is_large)
            touch_pages(slot->block, 0, slot->bytes);
    }
    uint64_t begin = now_ticks();
    histogram_count(&times->clock, begin, now_ticks());
    return ROUNDS;
}

static void counters(void *state, struct counter_sink *sink) {
    double tick = ns_per_tick();
    (void)state;
    for (unsigned i = 1; i < THREADS_MOST; i++) {
        histogram_add(&latencies[0].malloc, &latencies[i].malloc);
        histogram_add(&latencies[0].free, &latencies[i].free);
        histogram_add(&latencies[0].clock, &latencies[i].clock);
    }
    histogram_put(&latencies[0].malloc, tick, "malloc", sink);
    histogram_put(&latencies[0].free, tick, "free", sink);
    sink->put(sink, "calls_timed", (double)latencies[0].malloc.calls);
    sink->put(sink, "clock_p50_ns", histogram_ticks(&latencies[0].clock, 0.5) * tick);
}

const struct workload workload_latency = {
    .name = "latency",
    .family = "latency",
    .pattern = "Services with a deadline: each call of a random replacement of 16 B to 16 KiB and, "
               "once in 256, 64 KiB to 1 MiB",
    .threads = ON_1 | ON_4,
    .quick = ON_1,
    .steps = 80000,
    .churn = 10000 * MEGABYTE,
    .solo = true,
    .setup = setup,
    .step = step,
    .counters = counters,
    .teardown = pool_free,
};
