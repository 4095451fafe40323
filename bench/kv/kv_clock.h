// bench/kv/kv_clock.h - the monotonic clock of server and load generator.
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t kv_clock_read(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// Nanoseconds, exact.
static inline uint64_t kv_now_ns(void) {
    return kv_clock_read(CLOCK_MONOTONIC);
}

// Milliseconds, good to one tick of the kernel; cheap.
static inline uint64_t kv_now_ms(void) {
    return kv_clock_read(CLOCK_MONOTONIC_COARSE) / 1000000u;
}
