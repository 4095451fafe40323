// bench/workloads/server.c - the server simulation: objects that survive the thread that made them.
//
// After Larson and Krishnan 1998. Each thread owns slots that always hold a block. It replaces
// blocks at random for a while, then dies; a new thread takes the slots over and goes on, so most
// of what it frees at first was allocated by its predecessor. The first fill is the main thread's.
#include "harness/random.h"
#include "harness/workload.h"
#include "workloads/checked.h"
#include "workloads/generation.h"

enum {
    SLOTS = 4096,          // a thread, about 1 MiB in them
    REPLACEMENTS = 10000,  // in the life of a thread
    LEAST_BYTES = 16,
    MOST_BYTES = 1024,
};

struct slots {
    void *blocks[SLOTS];
};
struct server {
    unsigned     count;
    struct slots slots[];  // by rank
};
struct life {
    struct slots        *slots;
    struct bench_thread *thread;  // the harness's, which waits: its random numbers are ours
};

static void *larson_setup(unsigned threads) {
    struct bench_thread chance = {.random = {1, 2}};
    struct server      *server = malloc(sizeof *server + threads * sizeof server->slots[0]);
    if (!server)
        workload_fail("no memory", NULL);
    server->count = threads;
    for (unsigned i = 0; i < SLOTS; i++) {
        for (unsigned rank = 0; rank < threads; rank++) {
            size_t bytes = random_size(&chance, LEAST_BYTES, MOST_BYTES);
            server->slots[rank].blocks[i] = checked_new(bytes);
        }
    }
    return server;
}
static void *live(void *argument) {
    struct life  *life = argument;
    struct slots *slots = life->slots;
    for (unsigned i = 0; i < REPLACEMENTS; i++) {
        uint64_t slot = random_below(life->thread, SLOTS);
        checked_drop(slots->blocks[slot]);
        slots->blocks[slot] = checked_new(random_size(life->thread, LEAST_BYTES, MOST_BYTES));
    }
    return NULL;
}
static uint64_t larson_step(void *state, struct bench_thread *thread) {
    struct server *server = state;
    struct life    life = {.slots = &server->slots[thread->rank], .thread = thread};
    generation_run(live, &life);
    return REPLACEMENTS;
}
static void larson_teardown(void *state) {
    struct server *server = state;
    for (unsigned rank = 0; rank < server->count; rank++) {
        for (unsigned i = 0; i < SLOTS; i++)
            checked_drop(server->slots[rank].blocks[i]);
    }
    free(server);
}

const struct workload workload_larson = {
    .name = "larson",
    .family = "larson",
    .pattern = "a server: objects of 16 B to 1 KiB replaced at random, and handed to the next"
               " thread when theirs dies",
    .threads = ON_ALL,
    .quick = ON_1 | ON_4,
    .steps = 600,
    .churn = UINT64_C(1400) << 20,
    .setup = larson_setup,
    .step = larson_step,
    .teardown = larson_teardown,
};
