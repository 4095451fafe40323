// bench/workloads/large.c - buffers of 64 KiB to 40 MiB, every page written as a program would.
//
// An allocator that unmaps such a buffer at free pays for its pages again in the next cycle; the
// faults of a run say so beside its time.
#include "workloads/pool.h"

enum { MIXED_LIVE = 8, MEDIUM_PAIRS = 4 };

static inline void *buffer_new(size_t bytes) {
    void *buffer = malloc(bytes);
    workload_check(buffer != NULL, "out of memory");
    touch_pages(buffer, 0, bytes);
    return touch(buffer, bytes);
}

static inline void buffer_free(void *buffer, size_t bytes) {
    workload_check(word_read(buffer, 0) == bytes, "a live buffer has changed");
    free(buffer);
}

static inline uint64_t cycle(size_t bytes) {
    buffer_free(buffer_new(bytes), bytes);
    return 1;
}

static uint64_t step_cycle_1m(void *state, struct bench_thread *thread) {
    (void)state, (void)thread;
    return cycle(MIB);
}

static uint64_t step_cycle_8m(void *state, struct bench_thread *thread) {
    (void)state, (void)thread;
    return cycle(8 * (size_t)MIB);
}

static uint64_t step_cycle_40m(void *state, struct bench_thread *thread) {
    (void)state, (void)thread;
    return cycle(40 * (size_t)MIB);
}

static void *setup_mixed(unsigned threads) {
    return pool_new(threads, MIXED_LIVE);
}

// 1.25 to 40 MiB, each doubling as likely as any other.
static inline size_t mixed_size(struct bench_thread *thread) {
    return random_size(thread, MIB, 32 * (size_t)MIB) / 4 * 5;
}

static uint64_t step_mixed(void *state, struct bench_thread *thread) {
    struct pool *pool = state;
    struct slot *slot = pool_part(pool, thread) + random_below(thread, pool->each);
    slot_empty(slot);
    slot->bytes = mixed_size(thread);
    slot->block = buffer_new(slot->bytes);
    return 1;
}

// Requests, each with a buffer for what comes in and another for what goes out.
static uint64_t step_medium(void *state, struct bench_thread *thread) {
    (void)state;
    for (unsigned pair = 0; pair < MEDIUM_PAIRS; pair++) {
        size_t in_bytes = random_size(thread, 64 * KIB, 512 * KIB);
        size_t out_bytes = random_size(thread, 64 * KIB, 512 * KIB);
        void  *in = buffer_new(in_bytes);
        void  *out = buffer_new(out_bytes);
        buffer_free(in, in_bytes);
        buffer_free(out, out_bytes);
    }
    return MEDIUM_PAIRS * 2;
}

const struct workload workload_medium_cycle = {
    .name = "medium_cycle",
    .family = "large",
    .pattern = "Compressors and proxies: an input and an output buffer for each request, "
               "64 to 512 KiB",
    .threads = ON_1 | ON_4 | ON_16,
    .quick = ON_1,
    .steps = 60000,
    .churn = 110000 * MEGABYTE,
    .step = step_medium,
};

const struct workload workload_large_cycle_1m = {
    .name = "large_cycle_1m",
    .family = "large",
    .pattern = "Query and sort buffers: 1 MiB taken, written through and given back",
    .threads = ON_1 | ON_4 | ON_16,
    .quick = ON_1,
    .steps = 80000,
    .churn = 84000 * MEGABYTE,
    .step = step_cycle_1m,
};

const struct workload workload_large_cycle_8m = {
    .name = "large_cycle_8m",
    .family = "large",
    .pattern = "Decoders of video and images: a frame of 8 MiB taken, written and given back",
    .threads = ON_1 | ON_4,
    .quick = ON_1,
    .steps = 120,
    .churn = 5100 * MEGABYTE,
    .step = step_cycle_8m,
};

const struct workload workload_large_cycle_40m = {
    .name = "large_cycle_40m",
    .family = "large",
    .pattern = "Numeric work: a temporary matrix of 40 MiB for each operation",
    .threads = ON_1 | ON_4,
    .quick = ON_1,
    .steps = 24,
    .churn = 1010 * MEGABYTE,
    .step = step_cycle_40m,
};

const struct workload workload_large_mixed = {
    .name = "large_mixed",
    .family = "large",
    .pattern = "Analytics: columns and intermediate results of 1 to 40 MiB, eight live, "
               "replaced at random",
    .threads = ON_1 | ON_2,
    .quick = ON_1,
    .steps = 160,
    .churn = 2000 * MEGABYTE,
    .setup = setup_mixed,
    .step = step_mixed,
    .teardown = pool_free,
};
