// bench/workloads/histogram.h - how long single calls take, up to the slowest.
//
// Every call is timed alone, with the processor's time stamp counter where there is one, and
// counted: 32 steps to each power of two, so 3 % wide. Histograms are static memory of their
// workloads, zero at first; a thread counts in one of its own. What is reported, in nanoseconds:
//
//   malloc_p50_ns, p75, p90, p95, p99, p99_5 .. p99_999, malloc_max_ns
#pragma once
#include <stdint.h>
#include <time.h>
#if defined __x86_64__
#include <x86intrin.h>
#endif

#include "harness/workload.h"

enum { SUB_BITS = 5, SUB_BUCKETS = 1 << SUB_BITS, EXPONENT_MOST = 40 };
enum { HISTOGRAM_BUCKETS = (EXPONENT_MOST - SUB_BITS + 2) * SUB_BUCKETS };

struct histogram {
    uint64_t calls, most;
    uint32_t bucket[HISTOGRAM_BUCKETS];
};

static inline uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// Ordered: what stands before it is done, what stands after has not begun.
static inline uint64_t now_ticks(void) {
#if defined            __x86_64__
    _mm_lfence();
    uint64_t ticks = __rdtsc();
    _mm_lfence();
    return ticks;
#elif defined __aarch64__
    uint64_t ticks;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(ticks) : : "memory");
    return ticks;
#else
    return now_ns();
#endif
}

static inline unsigned bucket_of(uint64_t ticks) {
    if (ticks < SUB_BUCKETS)
        return (unsigned)ticks;
    unsigned exponent = 63 - (unsigned)__builtin_clzll(ticks), shift = exponent - SUB_BITS;
    if (exponent > EXPONENT_MOST)
        return HISTOGRAM_BUCKETS - 1;
    return (shift << SUB_BITS) + (unsigned)(ticks >> shift);
}

static inline void histogram_count(struct histogram *histogram, uint64_t from, uint64_t to) {
    uint64_t ticks = to - from;
    histogram->bucket[bucket_of(ticks)]++;
    histogram->calls++;
    if (ticks > histogram->most)
        histogram->most = ticks;
}

// In a setup(); ns_per_tick() is the finer the later it is asked. Short runs are waited for.
void   ticks_begin(void);
double ns_per_tick(void);

void histogram_add(struct histogram *sum, const struct histogram *part);

// The time in ticks that a share `above` of the calls exceeds.
double histogram_ticks(const struct histogram *histogram, double above);

// Every percentile and the most, as call_p50_ns and so on.
void histogram_put(const struct histogram *histogram, double tick, const char *call,
                   struct counter_sink *sink);
