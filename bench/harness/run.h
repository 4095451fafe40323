// bench/harness/run.h - one run of one workload: the threads' parts and the figures.
//
// Order of calls, kept by google.cc: run_start; run_steps in every thread at once; run_met in one
// thread, after all are through run_steps; run_finish, when that one is alone again. Nothing is
// allocated here.
#pragma once
#include "harness/process.h"
#include "harness/workload.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { RUN_COUNTERS_MAX = 64, RUN_COUNTER_NAME_MAX = 48 };

struct run_counter {
    char   name[RUN_COUNTER_NAME_MAX];
    double value;
};

struct run_thread {
    struct bench_thread   bench;
    struct process_moment begin, end;
    uint64_t              operations;
};

struct run {
    const struct workload *workload;
    unsigned               threads;
    uint64_t               thread_steps;  // of each thread
    void                  *state;         // the workload's
    struct run_thread      thread[BENCH_THREADS_MAX];
    double                 mean_seconds;  // of the threads' own times; Google Benchmark's figure
    uint64_t               start_rss_kib, peak_rss_kib, after_rss_kib;
    struct run_counter     counter[RUN_COUNTERS_MAX];
    unsigned               counters;
};

// `steps`: in all threads together, 0 for the workload's own number.
void run_prepare(struct run *run, const struct workload *workload, unsigned threads,
                 uint64_t steps);
void run_start(struct run *run);
void run_steps(struct run *run, unsigned rank);
void run_met(struct run *run);
void run_finish(struct run *run);

// What the timed part cost: from the first thread's begin to the last thread's end.
struct process_moment run_cost(const struct run *run);
uint64_t              run_operations(const struct run *run);

#ifdef __cplusplus
}
#endif
