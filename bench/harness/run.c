// bench/harness/run.c - setup, steps in every thread, counters, teardown; figures in between.
#include "harness/run.h"

#include <errno.h>
#include <stdio.h>

struct run_sink {
    struct counter_sink sink;  // first: put() gets its address
    struct run         *run;
};

// Splitmix64 (Steele, Lea and Flood 2014): ranks next to each other get unlike seeds.
static uint64_t seed_next(uint64_t *state) {
    uint64_t mixed = *state += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
}

void run_prepare(struct run *run, const struct workload *workload, unsigned threads,
                 uint64_t steps) {
    uint64_t thread_steps = (steps ? steps : workload->steps) / threads;
    *run = (struct run){
        .workload = workload,
        .threads = threads,
        .thread_steps = thread_steps ? thread_steps : 1,
    };
    for (unsigned rank = 0; rank < threads; rank++) {
        struct bench_thread *bench = &run->thread[rank].bench;
        uint64_t             seed = rank;
        bench->rank = rank;
        bench->count = threads;
        bench->random[0] = seed_next(&seed);
        bench->random[1] = seed_next(&seed);
    }
}

void run_start(struct run *run) {
    run->start_rss_kib = process_memory_now().rss_kib;
    if (run->workload->setup)
        run->state = run->workload->setup(run->threads);
}

void run_steps(struct run *run, unsigned rank) {
    struct run_thread *thread = &run->thread[rank];
    void              *state = run->state;
    uint64_t           operations = 0, (*step)(void *, struct bench_thread *) = run->workload->step;
    thread->begin = process_now();
    for (uint64_t left = run->thread_steps; left; left--)
        operations += step(state, &thread->bench);
    thread->end = process_now();
    thread->operations = operations;
}

void run_met(struct run *run) {
    run->peak_rss_kib = process_memory_now().peak_kib;
}

static void run_put(struct counter_sink *sink, const char *name, double value) {
    struct run *run = ((struct run_sink *)sink)->run;
    if (run->counters == RUN_COUNTERS_MAX) {
        errno = ENOSPC;
        process_fail("counters");
    }
    struct run_counter *counter = &run->counter[run->counters++];
    snprintf(counter->name, sizeof(counter->name), "%s", name);
    counter->value = value;
}

void run_finish(struct run *run) {
    struct run_sink sink = {.sink.put = run_put, .run = run};
    if (run->workload->counters)
        run->workload->counters(run->state, &sink.sink);
    if (run->workload->teardown)
        run->workload->teardown(run->state);
    run->after_rss_kib = process_memory_now().rss_kib;
}

struct process_moment run_cost(const struct run *run) {
    struct process_moment begin = run->thread[0].begin, end = run->thread[0].end;
    for (unsigned rank = 1; rank < run->threads; rank++) {
        const struct run_thread *thread = &run->thread[rank];
        if (thread->begin.wall_ns < begin.wall_ns)
            begin = thread->begin;
        if (thread->end.wall_ns > end.wall_ns)
            end = thread->end;
    }
    return (struct process_moment){
        .wall_ns = end.wall_ns - begin.wall_ns,
        .cpu_ns = end.cpu_ns - begin.cpu_ns,
        .user_us = end.user_us - begin.user_us,
        .system_us = end.system_us - begin.system_us,
        .minor_faults = end.minor_faults - begin.minor_faults,
        .major_faults = end.major_faults - begin.major_faults,
        .voluntary_switches = end.voluntary_switches - begin.voluntary_switches,
        .involuntary_switches = end.involuntary_switches - begin.involuntary_switches,
    };
}

uint64_t run_operations(const struct run *run) {
    uint64_t operations = 0;
    for (unsigned rank = 0; rank < run->threads; rank++)
        operations += run->thread[rank].operations;
    return operations;
}
