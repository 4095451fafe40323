// bench/workloads/sharing.c - does the allocator put small blocks of different threads on one cache
// line?
//
// After the cache-thrash and cache-scratch tests that Berger and others described in 2000. Blocks
// are written many times, so a line that two cores write to shows as time. Active: the allocator
// itself deals one line out to several threads. Passive: the main thread had neighbouring blocks
// and gave them out in turn; each thread frees its own and allocates as many, and an allocator that
// gives it the same ones back keeps the sharing alive.
#include "harness/workload.h"
#include "workloads/checked.h"

enum {
    BLOCK_BYTES = 16,  // stamp and counter; four to a cache line
    BLOCKS = 8,        // of a thread at a time
    ROUNDS = 8,        // in a step
    WRITES = 200,      // to each block in a round
};

struct object {
    uint64_t          stamp;  // checked.h's
    volatile uint64_t count;
};
_Static_assert(sizeof(struct object) == BLOCK_BYTES, "an object is stamp and counter");

struct gifts {
    void *blocks[BLOCKS];  // the first is NULL once the thread took them
};
struct passive {
    unsigned     count;
    struct gifts gifts[];  // by rank
};

static void blocks_use(void) {
    struct object *objects[BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++) {
        objects[i] = checked_new(BLOCK_BYTES);
        objects[i]->count = 0;
    }
    for (unsigned i = 0; i < WRITES; i++) {
        for (unsigned j = 0; j < BLOCKS; j++)
            objects[j]->count++;
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (objects[i]->count != WRITES)
            workload_fail("another thread wrote to a counter", objects[i]);
        checked_drop(objects[i]);
    }
}
static uint64_t active_step(void *state, struct bench_thread *thread) {
    (void)state, (void)thread;
    for (unsigned i = 0; i < ROUNDS; i++)
        blocks_use();
    return ROUNDS * BLOCKS;
}

static void *passive_setup(unsigned threads) {
    struct passive *passive = malloc(sizeof *passive + threads * sizeof passive->gifts[0]);
    if (!passive)
        workload_fail("no memory", NULL);
    passive->count = threads;
    for (unsigned i = 0; i < BLOCKS; i++) {
        for (unsigned rank = 0; rank < threads; rank++)
            passive->gifts[rank].blocks[i] = checked_new(BLOCK_BYTES);
    }
    return passive;
}
static void gifts_free(struct gifts *gifts) {
    for (unsigned i = 0; i < BLOCKS; i++)
        checked_drop(gifts->blocks[i]);
    gifts->blocks[0] = NULL;
}
static uint64_t passive_step(void *state, struct bench_thread *thread) {
    struct passive *passive = state;
    if (!thread->scratch[0]) {
        thread->scratch[0] = 1;
        gifts_free(&passive->gifts[thread->rank]);
    }
    return active_step(state, thread);
}
static void passive_teardown(void *state) {
    struct passive *passive = state;
    for (unsigned rank = 0; rank < passive->count; rank++) {
        if (passive->gifts[rank].blocks[0])
            gifts_free(&passive->gifts[rank]);
    }
    free(passive);
}

const struct workload workload_sharing_active = {
    .name = "sharing_active",
    .family = "sharing",
    .pattern = "a counter or lock in a block of its own, allocated by each worker and written"
               " often",
    .threads = ON_2 | ON_4 | ON_16,
    .quick = ON_4,
    .steps = 60000,
    .churn = UINT64_C(60) << 20,
    .step = active_step,
};
const struct workload workload_sharing_passive = {
    .name = "sharing_passive",
    .family = "sharing",
    .pattern = "the same after the thread that started the workers handed small objects to each",
    .threads = ON_2 | ON_4 | ON_16,
    .quick = ON_4,
    .steps = 60000,
    .churn = UINT64_C(60) << 20,
    .setup = passive_setup,
    .step = passive_step,
    .teardown = passive_teardown,
};
