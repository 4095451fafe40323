// bench/workloads/latency.c - how long single calls of malloc and of free take, up to the slowest.
//
// Every call is timed alone, with the processor's time stamp counter where there is one, and
// counted in a histogram of its thread: 32 steps to each power of two, so 3 % wide. The histograms
// are static memory. What is reported, in nanoseconds, for malloc and free:
//
//   malloc_p50_ns, p75, p90, p95, p99, p99_5 .. p99_999, malloc_max_ns
//
// with calls_timed, of each, and clock_p50_ns, what timing nothing takes; that is part of all other
// figures. Calls are counted once the table is full.
#include <time.h>
#if defined __x86_64__
#include <x86intrin.h>
#endif

#include "workloads/pool.h"

enum { LIVE = 8192, LARGE_SLOTS = 4, ROUNDS = 32, LARGE_ONCE_IN = 256 };
enum { SMALL_LEAST = 16, SMALL_MOST = 16 * KIB, LARGE_LEAST = 64 * KIB, LARGE_MOST = MIB };
enum { SUB_BITS = 5, SUB_BUCKETS = 1 << SUB_BITS, EXPONENT_MOST = 40 };
enum { BUCKETS = (EXPONENT_MOST - SUB_BITS + 2) * SUB_BUCKETS };
enum { THREADS_MOST = 4, CALIBRATION_NS = 20000000 };

// Each with the share of calls that are slower.
static const struct percentile {
    const char *name;
    double      above;
} percentiles[] = {
    {"p50", 0.5},       {"p75", 0.25},     {"p90", 0.1},      {"p95", 0.05},
    {"p99", 0.01},      {"p99_5", 0.005},  {"p99_9", 0.001},  {"p99_95", 0.0005},
    {"p99_99", 0.0001}, {"p99_995", 5e-5}, {"p99_999", 1e-5},
};

struct histogram {
    uint64_t calls, most;
    uint32_t bucket[BUCKETS];
};

static struct latencies {
    struct histogram malloc, free, clock;
} __attribute__((aligned(64))) latencies[THREADS_MOST];

// Written by setup() and read by counters().
static struct instant { uint64_t ticks, ns; } started;

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// Ordered: what stands before it is done, what stands after has not begun.
static inline uint64_t now_ticks(void) {
#if defined            __x86_64__
    _mm_lfence();
    uint64_t ticks = __rdtsc();
    _mm_lfence();
    return ticks;
#elif defined __aarch64__
    uint64_t ticks;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(ticks) : : "memory");
    return ticks;
#else
    return now_ns();
#endif
}

static inline unsigned bucket_of(uint64_t ticks) {
    if (ticks < SUB_BUCKETS)
        return (unsigned)ticks;
    unsigned exponent = 63 - (unsigned)__builtin_clzll(ticks), shift = exponent - SUB_BITS;
    if (exponent > EXPONENT_MOST)
        return BUCKETS - 1;
    return (shift << SUB_BITS) + (unsigned)(ticks >> shift);
}

// The middle of a bucket.
static inline double bucket_ticks(unsigned bucket) {
    if (bucket < SUB_BUCKETS)
        return bucket;
    unsigned shift = (bucket >> SUB_BITS) - 1;
    uint64_t low = (uint64_t)(bucket % SUB_BUCKETS + SUB_BUCKETS) << shift;
    return (double)low + (double)(((uint64_t)1 << shift) - 1) / 2;
}

static inline void histogram_count(struct histogram *histogram, uint64_t from, uint64_t to) {
    uint64_t ticks = to - from;
    histogram->bucket[bucket_of(ticks)]++;
    histogram->calls++;
    if (ticks > histogram->most)
        histogram->most = ticks;
}

static void histogram_add(struct histogram *sum, const struct histogram *part) {
    for (unsigned i = 0; i < BUCKETS; i++)
        sum->bucket[i] += part->bucket[i];
    sum->calls += part->calls;
    sum->most = part->most > sum->most ? part->most : sum->most;
}

// The time in ticks that a share `above` of the calls exceeds.
static double histogram_ticks(const struct histogram *histogram, double above) {
    uint64_t slower = 0, wanted = (uint64_t)((double)histogram->calls * above);
    double   most = (double)histogram->most;
    unsigned bucket = BUCKETS;
    while (bucket > 0 && slower <= wanted && slower < histogram->calls)
        slower += histogram->bucket[--bucket];
    double ticks = bucket_ticks(bucket);
    return ticks < most ? ticks : most;
}

static void *setup(unsigned threads) {
    workload_check(threads <= THREADS_MOST, "more threads than latency.c has histograms");
    memset(latencies, 0, sizeof latencies);
    started = (struct instant){now_ticks(), now_ns()};
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

// Since setup(): the longer the run, the finer. A short one is waited for.
static double ns_per_tick(void) {
    uint64_t ns = now_ns();
    while (ns - started.ns < CALIBRATION_NS)
        ns = now_ns();
    uint64_t ticks = now_ticks();
    return (double)(ns - started.ns) / (double)(ticks - started.ticks);
}

static void put(struct counter_sink *sink, const char *call, const char *figure, double ns) {
    char name[32];
    snprintf(name, sizeof name, "%s_%s_ns", call, figure);
    sink->put(sink, name, ns);
}

static void put_call(struct counter_sink *sink, const char *call, const struct histogram *histogram,
                     double tick) {
    for (size_t i = 0; i < sizeof percentiles / sizeof *percentiles; i++)
        put(sink, call, percentiles[i].name,
            histogram_ticks(histogram, percentiles[i].above) * tick);
    put(sink, call, "max", (double)histogram->most * tick);
}

static void counters(void *state, struct counter_sink *sink) {
    double tick = ns_per_tick();
    (void)state;
    for (unsigned i = 1; i < THREADS_MOST; i++) {
        histogram_add(&latencies[0].malloc, &latencies[i].malloc);
        histogram_add(&latencies[0].free, &latencies[i].free);
        histogram_add(&latencies[0].clock, &latencies[i].clock);
    }
    put_call(sink, "malloc", &latencies[0].malloc, tick);
    put_call(sink, "free", &latencies[0].free, tick);
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
