// bench/workloads/aligned.c - blocks with an alignment: cache lines, vectors, sectors, pages.
#include "workloads/pool.h"

enum { LIVE = 4096, ROUNDS = 32, LINE = 64, LINE_MOST = 2 * KIB };
enum { ALIGN_LEAST = 16, ALIGN_DOUBLINGS = 9, MIXED_LEAST = 16, MIXED_MOST = 4 * KIB };

static void *setup(unsigned threads) {
    return pool_new(threads, LIVE);
}

// The C library's header promises the alignment to the compiler, which would then drop the check:
// the empty instruction hides where the address comes from.
static inline void slot_take_aligned(struct slot *slot, void *block, size_t align, size_t bytes) {
    __asm__("" : "+r"(block));
    workload_check(((uintptr_t)block & (align - 1)) == 0, "a block is not aligned as asked");
    slot_take(slot, block, bytes);
}

static inline struct slot *slot_emptied(struct pool *pool, struct bench_thread *thread) {
    struct slot *slot = pool_part(pool, thread) + random_below(thread, pool->each);
    slot_empty(slot);
    return slot;
}

static uint64_t step_64(void *state, struct bench_thread *thread) {
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct slot *slot = slot_emptied(state, thread);
        size_t       bytes = random_size(thread, LINE, LINE_MOST) & ~(size_t)(LINE - 1);
        slot_take_aligned(slot, aligned_alloc(LINE, bytes), LINE, bytes);
    }
    return ROUNDS;
}

// Alignments of 16 to 4096, each as likely as any other.
static uint64_t step_mixed(void *state, struct bench_thread *thread) {
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct slot *slot = slot_emptied(state, thread);
        size_t       align = (size_t)ALIGN_LEAST << random_below(thread, ALIGN_DOUBLINGS);
        size_t       bytes = random_size(thread, MIXED_LEAST, MIXED_MOST);
        void        *block = NULL;
        workload_check(posix_memalign(&block, align, bytes) == 0, "posix_memalign failed");
        slot_take_aligned(slot, block, align, bytes);
    }
    return ROUNDS;
}

const struct workload workload_aligned_64 = {
    .name = "aligned_64",
    .family = "aligned",
    .pattern = "Records of whole cache lines, 64 B to 2 KiB, replaced at random",
    .threads = ON_1 | ON_4 | ON_16,
    .quick = ON_1,
    .steps = 50000,
    .churn = 1000 * MEGABYTE,
    .setup = setup,
    .step = step_64,
    .teardown = pool_free,
};

const struct workload workload_aligned_mixed = {
    .name = "aligned_mixed",
    .family = "aligned",
    .pattern = "Vectors, direct I/O and page buffers: alignments of 16 to 4096, 16 B to 4 KiB",
    .threads = ON_1 | ON_4 | ON_16,
    .quick = ON_1,
    .steps = 30000,
    .churn = 1500 * MEGABYTE,
    .setup = setup,
    .step = step_mixed,
    .teardown = pool_free,
};
