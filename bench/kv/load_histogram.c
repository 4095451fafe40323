// bench/kv/load_histogram.c - latencies, kept as counts in buckets about 1.5 % wide.
#include "load_histogram.h"

enum { BUCKETS = HISTOGRAM_DOUBLINGS * HISTOGRAM_FINE };

// Below 2 * HISTOGRAM_FINE a bucket is one number wide; above, each doubling has HISTOGRAM_FINE.
static uint32_t bucket_of(uint64_t ns) {
    if (ns < HISTOGRAM_FINE)
        return (uint32_t)ns;
    uint32_t doubling = 63u - (uint32_t)__builtin_clzll(ns) - 6;
    uint64_t bucket = (uint64_t)doubling * HISTOGRAM_FINE + (ns >> doubling);
    return bucket < BUCKETS ? (uint32_t)bucket : BUCKETS - 1;
}

// The largest number of the bucket.
static uint64_t bucket_end(uint32_t bucket) {
    if (bucket < 2 * HISTOGRAM_FINE)
        return bucket;
    uint32_t doubling = bucket / HISTOGRAM_FINE - 1;
    uint64_t fine = HISTOGRAM_FINE + bucket % HISTOGRAM_FINE;
    return ((fine + 1) << doubling) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t ns) {
    histogram->buckets[bucket_of(ns)]++;
    histogram->count++;
    if (ns > histogram->most)
        histogram->most = ns;
}

void histogram_merge(struct histogram *into, const struct histogram *from) {
    into->count += from->count;
    if (from->most > into->most)
        into->most = from->most;
    for (uint32_t i = 0; i < BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

uint64_t histogram_quantile(const struct histogram *histogram, double share) {
    double wanted = share * (double)histogram->count;
    uint64_t seen = 0;
    if (histogram->count == 0)
        return 0;
    for (uint32_t i = 0; i < BUCKETS; i++) {
        seen += histogram->buckets[i];
        if ((double)seen >= wanted && seen > 0)
            return bucket_end(i) < histogram->most ? bucket_end(i) : histogram->most;
    }
    return histogram->most;
}
