// bench/workloads/pairs.c - blocks that live alone and briefly: malloc, and free directly after.
#include "harness/random.h"

#include <stdlib.h>

enum {
    PAIRS_PER_STEP = 64,
    MIXED_LEAST = 16,
    MIXED_MOST = 1024,
    MIXED_MEAN = 240,  // of random_size() over this range, about
    BURST_LEAST = 32,
    BURST_MOST = 100,
    MIXED_STEPS = 300000,
    BURST_STEPS = 250000,
};

static inline uint64_t pairs(size_t bytes) {
    for (unsigned i = 0; i < PAIRS_PER_STEP; i++)
        free(touch(malloc(bytes), bytes));
    return PAIRS_PER_STEP;
}

#define PAIRS(name_, bytes_, quick_, steps_, pattern_)                                           \
    static uint64_t pairs_##name_(void *state, struct bench_thread *thread) {                    \
        (void)state, (void)thread;                                                               \
        return pairs(bytes_);                                                                    \
    }                                                                                            \
    const struct workload workload_pairs_##name_ = {                                             \
        .name = "pairs_" #name_,                                                                 \
        .family = "pairs",                                                                       \
        .pattern = pattern_,                                                                     \
        .threads = ON_ALL,                                                                       \
        .quick = quick_,                                                                         \
        .steps = steps_,                                                                         \
        .churn = (uint64_t)(steps_) * PAIRS_PER_STEP * (bytes_),                                 \
        .step = pairs_##name_,                                                                   \
    };

PAIRS(16, 16, ON_1, 500000, "A list node or a boxed number that lives as long as one expression.")
PAIRS(64, 64, ON_1 | ON_2, 400000, "An iterator, a closure, a small message: made, used, dropped.")
PAIRS(256, 256, 0, 500000, "A formatted log line, built and dropped for every event.")
PAIRS(1k, 1024, ON_1, 500000, "A line or record buffer of a parser, one for each record.")
PAIRS(8k, 8192, 0, 300000, "A stdio or socket buffer, allocated for every file or connection.")
PAIRS(64k, 65536, ON_1, 60000, "A copy or compression buffer, allocated for every call.")

static uint64_t pairs_mixed(void *state, struct bench_thread *thread) {
    (void)state;
    for (unsigned i = 0; i < PAIRS_PER_STEP; i++) {
        size_t bytes = random_size(thread, MIXED_LEAST, MIXED_MOST);
        free(touch(malloc(bytes), bytes));
    }
    return PAIRS_PER_STEP;
}

const struct workload workload_pairs_mixed = {
    .name = "pairs_mixed",
    .family = "pairs",
    .pattern = "Strings of an interpreter: of any small size, each dropped before the next.",
    .threads = ON_ALL,
    .quick = ON_1 | ON_16,
    .steps = MIXED_STEPS,
    .churn = (uint64_t)MIXED_STEPS * PAIRS_PER_STEP * MIXED_MEAN,
    .step = pairs_mixed,
};

// One burst. In order of allocation: what was used first is done first.
static uint64_t pairs_burst(void *state, struct bench_thread *thread) {
    void    *blocks[BURST_MOST];
    unsigned count = BURST_LEAST + (unsigned)random_below(thread, BURST_MOST - BURST_LEAST + 1);
    (void)state;
    for (unsigned i = 0; i < count; i++) {
        size_t bytes = random_size(thread, MIXED_LEAST, MIXED_MOST);
        blocks[i] = touch(malloc(bytes), bytes);
    }
    for (unsigned i = 0; i < count; i++)
        free(blocks[i]);
    return count;
}

const struct workload workload_pairs_burst = {
    .name = "pairs_burst",
    .family = "pairs",
    .pattern = "A request of a server: 32 to 100 blocks, freed in order when it is answered.",
    .threads = ON_ALL,
    .quick = ON_2,
    .steps = BURST_STEPS,
    .churn = (uint64_t)BURST_STEPS * (BURST_LEAST + BURST_MOST) / 2 * MIXED_MEAN,
    .step = pairs_burst,
};
