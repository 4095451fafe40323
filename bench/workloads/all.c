// bench/workloads/all.c - every workload, in the order of the report.
//
// One block a family, in both lists: first the blocks that live alone, then sets of blocks, then
// blocks that meet other threads, then large and growing ones, then containers, then births and
// deaths, last what is drawn apart (latency, swing) and what has a table of its own (trim). Within
// a family from small to large.
#include "harness/workload.h"

// pairs.c
extern const struct workload workload_pairs_16, workload_pairs_64, workload_pairs_256,
    workload_pairs_1k, workload_pairs_8k, workload_pairs_64k, workload_pairs_mixed,
    workload_pairs_burst;
// sets.c
extern const struct workload workload_lifo_1k, workload_lifo_64k, workload_fifo_1k,
    workload_fifo_64k, workload_replace_1k, workload_replace_64k;
// trees.c
extern const struct workload workload_tree_grow_shrink, workload_strings;
// logic.c
extern const struct workload workload_logic_minimiser;
// numbers.c
extern const struct workload workload_factorisation;
// zeroed.c
extern const struct workload workload_calloc_small, workload_calloc_medium, workload_calloc_large;
// aligned.c
extern const struct workload workload_aligned_64, workload_aligned_mixed;
// server.c
extern const struct workload workload_larson;
// exchange.c
extern const struct workload workload_exchange_1_1, workload_exchange_n_1, workload_exchange_1_n,
    workload_exchange_n_n, workload_exchange_ring;
// phases.c
extern const struct workload workload_phases;
// sharing.c
extern const struct workload workload_sharing_active, workload_sharing_passive;
// large.c
extern const struct workload workload_medium_cycle, workload_large_cycle_1m,
    workload_large_cycle_8m, workload_large_cycle_40m, workload_large_mixed;
// grow.c
extern const struct workload workload_realloc_growth_vectors, workload_realloc_growth_12,
    workload_realloc_growth_steps;
// containers.cc
extern const struct workload workload_containers_map, workload_containers_unordered_map,
    workload_containers_strings, workload_containers_vectors, workload_containers_lists,
    workload_containers_shared_ptr;
// threads.c
extern const struct workload workload_thread_churn, workload_thread_storm, workload_startup;
// latency.c
extern const struct workload workload_latency;
// swing.c
extern const struct workload workload_swing;
// trim.c
extern const struct workload workload_trim_beside, workload_trim_absent;

const struct workload *const bench_workloads[] = {
    // pairs.c
    &workload_pairs_16,
    &workload_pairs_64,
    &workload_pairs_256,
    &workload_pairs_1k,
    &workload_pairs_8k,
    &workload_pairs_64k,
    &workload_pairs_mixed,
    &workload_pairs_burst,
    // sets.c
    &workload_lifo_1k,
    &workload_lifo_64k,
    &workload_fifo_1k,
    &workload_fifo_64k,
    &workload_replace_1k,
    &workload_replace_64k,
    // trees.c
    &workload_tree_grow_shrink,
    &workload_strings,
    // logic.c
    &workload_logic_minimiser,
    // numbers.c
    &workload_factorisation,
    // zeroed.c
    &workload_calloc_small,
    &workload_calloc_medium,
    &workload_calloc_large,
    // aligned.c
    &workload_aligned_64,
    &workload_aligned_mixed,
    // server.c
    &workload_larson,
    // exchange.c
    &workload_exchange_1_1,
    &workload_exchange_n_1,
    &workload_exchange_1_n,
    &workload_exchange_n_n,
    &workload_exchange_ring,
    // phases.c
    &workload_phases,
    // sharing.c
    &workload_sharing_active,
    &workload_sharing_passive,
    // large.c
    &workload_medium_cycle,
    &workload_large_cycle_1m,
    &workload_large_cycle_8m,
    &workload_large_cycle_40m,
    &workload_large_mixed,
    // grow.c
    &workload_realloc_growth_vectors,
    &workload_realloc_growth_12,
    &workload_realloc_growth_steps,
    // containers.cc
    &workload_containers_map,
    &workload_containers_unordered_map,
    &workload_containers_strings,
    &workload_containers_vectors,
    &workload_containers_lists,
    &workload_containers_shared_ptr,
    // threads.c
    &workload_thread_churn,
    &workload_thread_storm,
    &workload_startup,
    // latency.c
    &workload_latency,
    // swing.c
    &workload_swing,
    // trim.c
    &workload_trim_beside,
    &workload_trim_absent,
    NULL,
};
