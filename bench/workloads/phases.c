// bench/workloads/phases.c - threads are born, fill memory, free most of it and die; some objects
// outlive them.
//
// In a round a new thread frees what earlier threads left in the estate of its neighbour, allocates
// a mixed set, frees seven in eight of it in random order, leaves the rest and dies. Half of the
// rest is freed by the thread that started it, as a main thread would read results; the other half
// goes to the estate of its rank, for a later thread to find.
#include <stdatomic.h>

#include "harness/random.h"
#include "harness/workload.h"
#include "workloads/checked.h"
#include "workloads/generation.h"

enum {
    SET = 2048,  // blocks of a round, about 3 MiB
    SURVIVORS = SET / 8,
    LEAST_BYTES = 32,  // an object holds its stamp and the link
    MOST_BYTES = 8192,
};

// The front of a block made by checked_new(); the size varies.
struct object {
    uint64_t       stamp;  // checked.h's
    struct object *next;   // in an estate; written by who puts it there
};
// What dead threads left. Any thread pushes one object or takes all, so there is no ABA.
struct estate {
    _Atomic(struct object *) first;
} __attribute__((aligned(64)));

struct phases {
    unsigned       count;
    struct estate *estates;  // by rank
};
struct life {
    struct phases       *phases;
    struct bench_thread *thread;  // the harness's, which waits: its random numbers are ours
    struct object       *survivors[SURVIVORS];
};

static void estate_leave(struct estate *estate, struct object *object) {
    struct object *first = atomic_load_explicit(&estate->first, memory_order_relaxed);
    do
        object->next = first;
    while (!atomic_compare_exchange_weak_explicit(&estate->first, &first, object,
                                                  memory_order_release, memory_order_relaxed));
}
static void estate_free(struct estate *estate) {
    struct object *object = atomic_exchange_explicit(&estate->first, NULL, memory_order_acquire);
    while (object) {
        struct object *next = object->next;
        checked_drop(object);
        object = next;
    }
}

static void *phases_setup(unsigned threads) {
    struct phases *phases = malloc(sizeof *phases);
    struct estate *estates = aligned_alloc(_Alignof(struct estate), threads * sizeof *estates);
    if (!phases || !estates)
        workload_fail("no memory", NULL);
    for (unsigned rank = 0; rank < threads; rank++)
        atomic_init(&estates[rank].first, NULL);
    *phases = (struct phases){.count = threads, .estates = estates};
    return phases;
}
static void *live(void *argument) {
    struct life         *life = argument;
    struct bench_thread *thread = life->thread;
    struct object       *set[SET];
    estate_free(&life->phases->estates[(thread->rank + 1) % thread->count]);
    for (unsigned i = 0; i < SET; i++)
        set[i] = checked_new(random_size(thread, LEAST_BYTES, MOST_BYTES));
    for (unsigned left = SET; left > SURVIVORS; left--) {
        uint64_t chosen = random_below(thread, left);
        checked_drop(set[chosen]);
        set[chosen] = set[left - 1];
    }
    for (unsigned i = 0; i < SURVIVORS; i++)
        life->survivors[i] = set[i];
    return NULL;
}
static uint64_t phases_step(void *state, struct bench_thread *thread) {
    struct life life;
    life.phases = state;
    life.thread = thread;
    generation_run(live, &life);
    for (unsigned i = 0; i < SURVIVORS / 2; i++)
        checked_drop(life.survivors[i]);
    for (unsigned i = SURVIVORS / 2; i < SURVIVORS; i++)
        estate_leave(&life.phases->estates[thread->rank], life.survivors[i]);
    return SET;
}
static void phases_teardown(void *state) {
    struct phases *phases = state;
    for (unsigned rank = 0; rank < phases->count; rank++)
        estate_free(&phases->estates[rank]);
    free(phases->estates);
    free(phases);
}

const struct workload workload_phases = {
    .name = "phases",
    .family = "phases",
    .pattern = "a batch server: a thread for each job fills memory, frees most and dies, results"
               " are freed later by others",
    .threads = ON_ALL,
    .quick = ON_4,
    .steps = 700,
    .churn = UINT64_C(2100) << 20,
    .setup = phases_setup,
    .step = phases_step,
    .teardown = phases_teardown,
};
