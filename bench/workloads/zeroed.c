// bench/workloads/zeroed.c - calloc: small records, hash tables, large tables that stay sparse.
//
// What is looked at must be zero before it is written, and recycled memory has been written before.
// Of larger blocks a part is used only: who clears pages that came clean from the kernel pays for
// pages that the program never wanted.
#include "workloads/pool.h"

enum { SMALL_LIVE = 8192, SMALL_LEAST = 16, SMALL_MOST = KIB, SMALL_ROUNDS = 32 };
enum { MEDIUM_LIVE = 256, MEDIUM_LEAST = 4 * KIB, MEDIUM_MOST = 64 * KIB, MEDIUM_STRIDE = KIB };
enum { LARGE_LIVE = 16, LARGE_LEAST = MIB, LARGE_MOST = 8 * MIB, LARGE_STRIDE = 4 * PAGE_BYTES };

static void *setup_small(unsigned threads) {
    return pool_new(threads, SMALL_LIVE);
}

static void *setup_medium(unsigned threads) {
    return pool_new(threads, MEDIUM_LIVE);
}

static void *setup_large(unsigned threads) {
    return pool_new(threads, LARGE_LIVE);
}

static inline struct slot *slot_any(struct pool *pool, struct bench_thread *thread) {
    return pool_part(pool, thread) + random_below(thread, pool->each);
}

static inline void use_zero(void *block, size_t at) {
    workload_check(word_read(block, at) == 0, "calloc gave memory that is not zero");
    word_write(block, at, ~(uint64_t)at);
}

// Replaces a block and uses a word of it in every `stride` bytes, and the last one.
static inline void replace(struct slot *slot, size_t bytes, size_t stride) {
    slot_empty(slot);
    void *block = calloc(1, bytes);
    workload_check(block != NULL, "out of memory");
    for (size_t at = 0; at + 8 < bytes; at += stride)
        use_zero(block, at);
    use_zero(block, bytes - 8);
    slot_take(slot, block, bytes);
}

static uint64_t step_small(void *state, struct bench_thread *thread) {
    for (unsigned round = 0; round < SMALL_ROUNDS; round++) {
        struct slot *slot = slot_any(state, thread);
        size_t       bytes = random_size(thread, SMALL_LEAST, SMALL_MOST) & ~(size_t)7;
        replace(slot, bytes, bytes);
    }
    return SMALL_ROUNDS;
}

static uint64_t step_medium(void *state, struct bench_thread *thread) {
    struct slot *slot = slot_any(state, thread);
    replace(slot, random_size(thread, MEDIUM_LEAST, MEDIUM_MOST) & ~(size_t)7, MEDIUM_STRIDE);
    return 1;
}

static uint64_t step_large(void *state, struct bench_thread *thread) {
    struct slot *slot = slot_any(state, thread);
    replace(slot, random_size(thread, LARGE_LEAST, LARGE_MOST) & ~(size_t)7, LARGE_STRIDE);
    return 1;
}

const struct workload workload_calloc_small = {
    .name = "calloc_small",
    .family = "zeroed",
    .pattern = "Records that start out as zero, 16 B to 1 KiB, replaced at random",
    .threads = ON_1 | ON_4 | ON_16,
    .quick = ON_1,
    .steps = 100000,
    .churn = 800 * MEGABYTE,
    .setup = setup_small,
    .step = step_small,
    .teardown = pool_free,
};

const struct workload workload_calloc_medium = {
    .name = "calloc_medium",
    .family = "zeroed",
    .pattern = "Hash tables and work areas of 4 to 64 KiB, zero at first and used in part",
    .threads = ON_1 | ON_4 | ON_16,
    .quick = ON_1,
    .steps = 60000,
    .churn = 2800 * MEGABYTE,
    .setup = setup_medium,
    .step = step_medium,
    .teardown = pool_free,
};

const struct workload workload_calloc_large = {
    .name = "calloc_large",
    .family = "zeroed",
    .pattern = "Bitmaps and sparse tables of 1 to 8 MiB, of which every fourth page is used",
    .threads = ON_1 | ON_4,
    .quick = ON_1,
    .steps = 800,
    .churn = 3000 * MEGABYTE,
    .setup = setup_large,
    .step = step_large,
    .teardown = pool_free,
};
