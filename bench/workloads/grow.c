// bench/workloads/grow.c - realloc: one buffer that grows to 1 GiB, and many small vectors.
//
// Only the new part is written, as a reader appending to its buffer does; an allocator that cannot
// grow in place or move pages copies all that came before, and holds both at once.
#include "workloads/pool.h"

enum { START = 4 * KIB, STEP = 32 * MIB, VECTORS = 8192, ROUNDS = 32 };
enum { VECTOR_LEAST = 16, VECTOR_MOST = 64 * KIB, VECTOR_ENDS_IN = 8 };

static const size_t GROWN = (size_t)1 << 30;

static void *setup_buffer(unsigned threads) {
    return pool_new(threads, threads);
}

// What must have moved along: the first word, and the last of the pages at half and at the end.
static inline void buffer_check(const struct slot *slot) {
    size_t half = slot->bytes / 2 / PAGE_BYTES * PAGE_BYTES;
    size_t middle = (half ? half : PAGE_BYTES) - 8,
           last = slot->bytes / PAGE_BYTES * PAGE_BYTES - 8;
    workload_check(word_read(slot->block, 0) == slot->bytes, "realloc lost the first word");
    workload_check(word_read(slot->block, middle) == middle, "realloc lost the middle");
    workload_check(word_read(slot->block, last) == last, "realloc lost the end");
}

static inline void buffer_grow(struct slot *slot, size_t bytes) {
    void *block = realloc(slot->block, bytes);
    workload_check(block != NULL, "out of memory");
    slot->block = block;
    buffer_check(slot);
    touch_pages(block, slot->bytes, bytes);
    word_write(block, 0, bytes);
    slot->bytes = bytes;
}

static inline void buffer_start(struct slot *slot, size_t bytes) {
    slot->bytes = bytes;
    slot->block = malloc(bytes);
    workload_check(slot->block != NULL, "out of memory");
    touch_pages(slot->block, 0, bytes);
    word_write(slot->block, 0, bytes);
}

// One step of growth; at 1 GiB the buffer is given back and the next one begins.
static inline uint64_t buffer_step(struct slot *slot, size_t first, size_t next) {
    if (slot->block && slot->bytes < GROWN) {
        buffer_grow(slot, next < GROWN ? next : GROWN);
    } else {
        slot_empty(slot);
        buffer_start(slot, first);
    }
    return 1;
}

static uint64_t step_growth_12(void *state, struct bench_thread *thread) {
    struct slot *slot = pool_part(state, thread);
    return buffer_step(slot, START, (slot->bytes / 100 * 112 + 15) & ~(size_t)15);
}

static uint64_t step_growth_steps(void *state, struct bench_thread *thread) {
    struct slot *slot = pool_part(state, thread);
    return buffer_step(slot, STEP, slot->bytes + STEP);
}

static void *setup_vectors(unsigned threads) {
    return pool_new(threads, VECTORS);
}

// Both ends of the old part must have moved along.
static inline void vector_double(struct slot *slot) {
    size_t old = slot->bytes;
    void  *block = realloc(slot->block, old * 2);
    workload_check(block != NULL, "out of memory");
    workload_check(word_read(block, 0) == old, "realloc lost the first word");
    if (old >= 64)
        workload_check(word_read(block, old - 8) == old, "realloc lost the last word");
    slot_take(slot, block, old * 2);
}

// Vectors picked at random double when they are full; one in eight is dropped instead, so that
// shorter ones are more frequent.
static uint64_t step_vectors(void *state, struct bench_thread *thread) {
    struct pool *pool = state;
    struct slot *slots = pool_part(pool, thread);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct slot *slot = &slots[random_below(thread, pool->each)];
        bool         ends = random_below(thread, VECTOR_ENDS_IN) == 0;
        if (slot->block && slot->bytes < VECTOR_MOST && !ends) {
            vector_double(slot);
        } else {
            slot_empty(slot);
            slot_fill(slot, VECTOR_LEAST);
        }
    }
    return ROUNDS;
}

const struct workload workload_realloc_growth_12 = {
    .name = "realloc_growth_12",
    .family = "grow",
    .pattern = "Readers of unknown length: a buffer grows by 12 % from 4 KiB to 1 GiB",
    .threads = ON_1,
    .quick = ON_1,
    .steps = 113,
    .churn = 1100 * MEGABYTE,
    .setup = setup_buffer,
    .step = step_growth_12,
    .teardown = pool_free,
};

const struct workload workload_realloc_growth_steps = {
    .name = "realloc_growth_steps",
    .family = "grow",
    .pattern = "Loaders and logs: a buffer grows by steps of 32 MiB to 1 GiB",
    .threads = ON_1,
    .quick = ON_1,
    .steps = 32,
    .churn = 1100 * MEGABYTE,
    .setup = setup_buffer,
    .step = step_growth_steps,
    .teardown = pool_free,
};

const struct workload workload_realloc_growth_vectors = {
    .name = "realloc_growth_vectors",
    .family = "grow",
    .pattern = "Dynamic arrays: many vectors that double from 16 B up to 64 KiB",
    .threads = ON_1 | ON_4 | ON_16,
    .quick = ON_1,
    .steps = 20000,
    .churn = 2800 * MEGABYTE,
    .setup = setup_vectors,
    .step = step_vectors,
    .teardown = pool_free,
};
