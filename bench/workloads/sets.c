// bench/workloads/sets.c - sets of blocks of mixed sizes: last in first out, first in first out,
// and replaced at random.
//
// Sizes follow a power law: of 16 B to 1 KiB and of 16 B to 64 KiB each doubling is as likely as
// any other, which is what size statistics of servers look like. All threads together hold at most
// LIVE_1K or LIVE_64K blocks, 8 or 32 MiB.
#include "workloads/pool.h"

enum { LIVE_1K = 32768, LIVE_64K = 4096, MOVES = 64 };
enum { LEAST = 16, MOST_1K = KIB, MOST_64K = 64 * KIB };

// What a thread keeps in its scratch: its set has `level` blocks and moves towards `target`; the
// oldest block of a queue is at `head`.
enum { LEVEL, TARGET, HEAD };

static void *setup_1k(unsigned threads) {
    return pool_new(threads, LIVE_1K);
}

static void *setup_64k(unsigned threads) {
    return pool_new(threads, LIVE_64K);
}

// A stack whose depth wanders between empty and full.
static inline uint64_t lifo(struct pool *pool, struct bench_thread *thread, size_t most) {
    struct slot *slots = pool_part(pool, thread);
    uint64_t     level = thread->scratch[LEVEL], target = thread->scratch[TARGET], pushed = 0;
    for (unsigned move = 0; move < MOVES; move++) {
        while (level == target)
            target = random_below(thread, pool->each + 1);
        if (level < target) {
            slot_fill(&slots[level++], random_size(thread, LEAST, most));
            pushed++;
        } else {
            slot_empty(&slots[--level]);
        }
    }
    thread->scratch[LEVEL] = level;
    thread->scratch[TARGET] = target;
    return pushed;
}

static inline void fifo_push(struct pool *pool, struct bench_thread *thread, size_t most) {
    size_t at = thread->scratch[HEAD] + thread->scratch[LEVEL]++;
    at -= at >= pool->each ? pool->each : 0;
    slot_fill(pool_part(pool, thread) + at, random_size(thread, LEAST, most));
}

static inline void fifo_pop(struct pool *pool, struct bench_thread *thread) {
    slot_empty(pool_part(pool, thread) + thread->scratch[HEAD]);
    if (++thread->scratch[HEAD] == pool->each)
        thread->scratch[HEAD] = 0;
    thread->scratch[LEVEL]--;
}

// A queue whose length wanders: in, out, in while it grows; out, in, out while it gets shorter.
static inline uint64_t fifo(struct pool *pool, struct bench_thread *thread, size_t most) {
    uint64_t *level = &thread->scratch[LEVEL], *target = &thread->scratch[TARGET], pushed = 0;
    for (unsigned move = 0; move < MOVES; move += 3) {
        while (*level == *target)
            *target = random_below(thread, pool->each + 1);
        if (*level < *target) {
            fifo_push(pool, thread, most);
            fifo_pop(pool, thread);
            fifo_push(pool, thread, most);
            pushed += 2;
        } else {
            fifo_pop(pool, thread);
            fifo_push(pool, thread, most);
            fifo_pop(pool, thread);
            pushed++;
        }
    }
    return pushed;
}

// A table whose entries are replaced at random; the first step fills it.
static inline uint64_t replace(struct pool *pool, struct bench_thread *thread, size_t most) {
    struct slot *slots = pool_part(pool, thread);
    uint64_t     filled = thread->scratch[LEVEL];
    thread->scratch[LEVEL] = pool->each;
    for (size_t i = filled; i < pool->each; i++)
        slot_fill(&slots[i], random_size(thread, LEAST, most));
    for (unsigned move = 0; move < MOVES; move++) {
        struct slot *slot = &slots[random_below(thread, pool->each)];
        slot_empty(slot);
        slot_fill(slot, random_size(thread, LEAST, most));
    }
    return pool->each - filled + MOVES;
}

static uint64_t step_lifo_1k(void *state, struct bench_thread *thread) {
    return lifo(state, thread, MOST_1K);
}

static uint64_t step_lifo_64k(void *state, struct bench_thread *thread) {
    return lifo(state, thread, MOST_64K);
}

static uint64_t step_fifo_1k(void *state, struct bench_thread *thread) {
    return fifo(state, thread, MOST_1K);
}

static uint64_t step_fifo_64k(void *state, struct bench_thread *thread) {
    return fifo(state, thread, MOST_64K);
}

static uint64_t step_replace_1k(void *state, struct bench_thread *thread) {
    return replace(state, thread, MOST_1K);
}

static uint64_t step_replace_64k(void *state, struct bench_thread *thread) {
    return replace(state, thread, MOST_64K);
}

const struct workload workload_lifo_1k = {
    .name = "lifo_1k",
    .family = "sets",
    .pattern = "Parsers and recursive work: what was allocated last is freed first, 16 B to 1 KiB",
    .threads = ON_ALL,
    .quick = ON_1 | ON_4,
    .steps = 60000,
    .churn = 490 * MEGABYTE,
    .setup = setup_1k,
    .step = step_lifo_1k,
    .teardown = pool_free,
};

const struct workload workload_lifo_64k = {
    .name = "lifo_64k",
    .family = "sets",
    .pattern = "Parsers and recursive work with buffers: last in first out, 16 B to 64 KiB",
    .threads = ON_ALL,
    .quick = ON_1 | ON_4,
    .steps = 30000,
    .churn = 7900 * MEGABYTE,
    .setup = setup_64k,
    .step = step_lifo_64k,
    .teardown = pool_free,
};

const struct workload workload_fifo_1k = {
    .name = "fifo_1k",
    .family = "sets",
    .pattern = "Queues of messages and events: first in first out, 16 B to 1 KiB",
    .threads = ON_ALL,
    .quick = ON_1 | ON_4,
    .steps = 100000,
    .churn = 840 * MEGABYTE,
    .setup = setup_1k,
    .step = step_fifo_1k,
    .teardown = pool_free,
};

const struct workload workload_fifo_64k = {
    .name = "fifo_64k",
    .family = "sets",
    .pattern = "Queues of requests with their bodies: first in first out, 16 B to 64 KiB",
    .threads = ON_ALL,
    .quick = ON_1 | ON_4,
    .steps = 28000,
    .churn = 7600 * MEGABYTE,
    .setup = setup_64k,
    .step = step_fifo_64k,
    .teardown = pool_free,
};

const struct workload workload_replace_1k = {
    .name = "replace_1k",
    .family = "sets",
    .pattern = "Caches and session tables: entries replaced at random, 16 B to 1 KiB",
    .threads = ON_ALL,
    .quick = ON_1 | ON_4,
    .steps = 60000,
    .churn = 980 * MEGABYTE,
    .setup = setup_1k,
    .step = step_replace_1k,
    .teardown = pool_free,
};

const struct workload workload_replace_64k = {
    .name = "replace_64k",
    .family = "sets",
    .pattern = "Caches of pages and objects: entries replaced at random, 16 B to 64 KiB",
    .threads = ON_ALL,
    .quick = ON_1 | ON_4,
    .steps = 20000,
    .churn = 10600 * MEGABYTE,
    .setup = setup_64k,
    .step = step_replace_64k,
    .teardown = pool_free,
};
