// bench/kv/load_histogram.h - latencies, kept as counts in buckets about 1.5 % wide.
#pragma once

#include <stdint.h>

enum {
    HISTOGRAM_FINE = 64,      // buckets a doubling
    HISTOGRAM_DOUBLINGS = 34, // up to about 1000 s in nanoseconds
};

struct histogram {
    uint64_t count;
    uint64_t most;  // the largest one recorded, exact
    uint64_t buckets[HISTOGRAM_DOUBLINGS * HISTOGRAM_FINE];
};

void     histogram_add(struct histogram *histogram, uint64_t ns);
void     histogram_merge(struct histogram *into, const struct histogram *from);
// The latency in ns that the share (0 to 1) of all does not exceed; 0 when nothing was recorded.
uint64_t histogram_quantile(const struct histogram *histogram, double share);
