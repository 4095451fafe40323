// bench/harness/workload.h - what a workload is: one C file, one constant of this type.
//
// A process of the benchmark runs one workload at one thread count, once, under the allocator it
// was preloaded with. The number of steps is fixed, so that every allocator does the same work and
// peaks of memory compare; what differs is how long that takes and what it costs.
//
//   setup(threads)                once, before the threads; not timed
//   step(state, thread)           `steps` times, shared out to all threads at once; timed
//   counters(state, sink)         once, after the threads met; what only the workload knows
//   teardown(state)               once; frees everything; not timed
//
// A workload must be a pattern that real programs have: `pattern` says which, in one sentence. It
// calls malloc and free by their names, writes to what it allocates (at least the first and, from
// 64 bytes, the last word), and takes its random numbers from the thread's generator, so that every
// run makes the same calls.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { BENCH_THREADS_MAX = 16 };

// One thread of a running workload; made by the harness, used by that thread alone.
struct bench_thread {
    unsigned rank;        // 0 .. count - 1
    unsigned count;       // threads of this run
    uint64_t random[2];   // state of random_next(); seeded from the rank
    uint64_t scratch[5];  // the workload's own; zero at first. Fills the cache line up.
} __attribute__((aligned(64)));

// Takes what counters() has to say: a name in lower_case_with_units, a value.
struct counter_sink {
    void (*put)(struct counter_sink *sink, const char *name, double value);
};

enum thread_counts { ON_1 = 1, ON_2 = 2, ON_4 = 4, ON_16 = 8, ON_ALL = 15 };

struct workload {
    const char *name;      // of the row: family_variant, e.g. "pairs_64"
    const char *family;    // rows of one family are drawn together, e.g. "pairs"
    const char *pattern;   // where programs do this; one sentence
    unsigned    threads;   // enum thread_counts: counts at which the workload makes sense
    unsigned    quick;     // of those, the ones that the short run takes
    uint64_t    steps;     // in all threads together; the harness divides by the count (one for
                           // each thread at least). A run takes about a quarter of a second
    uint64_t    churn;     // bytes that all threads of the largest count ask for in a run, about:
                           // an allocator that never frees is left out where this is too much
    bool        solo;      // only meaningful apart from the others' time (latency, start-up): drawn
                           // but kept out of the geometric mean of times
    bool        apart;     // answers a question of its own: only run where it is named
    void *(*setup)(unsigned threads);                             // NULL: no state
    uint64_t (*step)(void *state, struct bench_thread *thread);  // operations done (a malloc with
                                                                  // its free is one)
    void (*counters)(void *state, struct counter_sink *sink);     // may be NULL
    void (*teardown)(void *state);                                // may be NULL
};

// All workloads, in the order of the report; ends with NULL. bench/workloads/all.c lists them.
extern const struct workload *const bench_workloads[];

#ifdef __cplusplus
}
#endif
