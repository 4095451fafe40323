// local/pulse.c - see pulse.h.
#include "local/pulse.h"

#include "base/bits.h"

enum { UNIT_SHIFT = 16 };  // of fixed point numbers here

static uint64_t state;  // relaxed: each draw has a number of its own

static uint64_t next_random(void) {
    uint64_t mixed = __atomic_add_fetch(&state, UINT64_C(0x9e3779b97f4a7c15), __ATOMIC_RELAXED);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

void pulse_start(uint64_t seed) {
    __atomic_fetch_add(&state, seed, __ATOMIC_RELAXED);
}

// Allocations of this size to a sample, on average; at least 1.
static uint64_t mean_of(size_t bytes) {
    uint64_t rate = option(OPT_GUARD);
    return rate > OPTION_SHARE ? rate - OPTION_SHARE : max_size(rate / max_size(bytes, 1), 1);
}

bool pulse_counts_calls(void) {
    uint64_t rate = option(OPT_GUARD);
    if (rate > OPTION_SHARE)
        return rate - OPTION_SHARE <= PULSE_EVERY_CALL;
    return rate > 0 && rate <= PULSE_EVERY_CALL_BYTES;
}

bool pulse_is_early(uint64_t *due_ns, uint64_t now_ns) {
    uint64_t burst = PULSE_BURST * (uint64_t)PULSE_NS;
    if (pulse_counts_calls())
        return false;
    if (*due_ns + burst < now_ns)
        *due_ns = now_ns - burst;
    if (*due_ns > now_ns)
        return true;
    *due_ns += PULSE_NS;
    return false;
}

// -log2 of a number below 1 that is all of `random` behind the point; what is between two powers
// is taken for a line, which makes the mean 3/2 instead of 1/ln 2. In fixed point.
static uint64_t logarithm(uint64_t random) {
    unsigned highest = bits_highest(random | 1);
    uint64_t rest = random << (63 - highest) << 1 >> (64 - UNIT_SHIFT);
    return ((uint64_t)(64 - highest) << UNIT_SHIFT) - rest;
}

uint32_t pulse_draw(size_t bytes) {
    uint64_t mean = mean_of(bytes);
    if (mean == 1)
        return 1;
    uint64_t drawn = mean * logarithm(next_random()) * 2 / 3 >> UNIT_SHIFT;
    return (uint32_t)min_size(drawn + 1, UINT32_MAX);
}

// The same for every call: of so many numbers, one. Bytes are as they are, not rounded to a class.
bool pulse_strikes(size_t bytes) {
    uint64_t rate = option(OPT_GUARD);
    if (rate > OPTION_SHARE)
        return next_random() % (rate - OPTION_SHARE) == 0;
    return next_random() % rate < bytes;
}
