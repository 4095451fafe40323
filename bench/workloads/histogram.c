// bench/workloads/histogram.c - from counted calls to percentiles.
#include "workloads/histogram.h"

#include <stdio.h>

enum { CALIBRATION_NS = 20000000 };

// Each with the share of calls that are slower.
static const struct percentile {
    const char *name;
    double      above;
} percentiles[] = {
    {"p50", 0.5},       {"p75", 0.25},     {"p90", 0.1},      {"p95", 0.05},
    {"p99", 0.01},      {"p99_5", 0.005},  {"p99_9", 0.001},  {"p99_95", 0.0005},
    {"p99_99", 0.0001}, {"p99_995", 5e-5}, {"p99_999", 1e-5},
};

// Written by ticks_begin() and read by ns_per_tick().
static struct instant { uint64_t ticks, ns; } started;

void ticks_begin(void) {
    started = (struct instant){now_ticks(), now_ns()};
}

double ns_per_tick(void) {
    uint64_t ns = now_ns();
    while (ns - started.ns < CALIBRATION_NS)
        ns = now_ns();
    uint64_t ticks = now_ticks();
    return (double)(ns - started.ns) / (double)(ticks - started.ticks);
}

// The middle of a bucket.
static double bucket_ticks(unsigned bucket) {
    if (bucket < SUB_BUCKETS)
        return bucket;
    unsigned shift = (bucket >> SUB_BITS) - 1;
    uint64_t low = (uint64_t)(bucket % SUB_BUCKETS + SUB_BUCKETS) << shift;
    return (double)low + (double)(((uint64_t)1 << shift) - 1) / 2;
}

void histogram_add(struct histogram *sum, const struct histogram *part) {
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        sum->bucket[i] += part->bucket[i];
    sum->calls += part->calls;
    sum->most = part->most > sum->most ? part->most : sum->most;
}

double histogram_ticks(const struct histogram *histogram, double above) {
    uint64_t slower = 0, wanted = (uint64_t)((double)histogram->calls * above);
    double   most = (double)histogram->most;
    unsigned bucket = HISTOGRAM_BUCKETS;
    while (bucket > 0 && slower <= wanted && slower < histogram->calls)
        slower += histogram->bucket[--bucket];
    double ticks = bucket_ticks(bucket);
    return ticks < most ? ticks : most;
}

static void put(struct counter_sink *sink, const char *call, const char *figure, double ns) {
    char name[32];
    snprintf(name, sizeof name, "%s_%s_ns", call, figure);
    sink->put(sink, name, ns);
}

void histogram_put(const struct histogram *histogram, double tick, const char *call,
                   struct counter_sink *sink) {
    for (size_t i = 0; i < sizeof percentiles / sizeof *percentiles; i++)
        put(sink, call, percentiles[i].name,
            histogram_ticks(histogram, percentiles[i].above) * tick);
    put(sink, call, "max", (double)histogram->most * tick);
}
