// base/prng.h - a small generator for sampling and shuffling; not for secrets.
//
// The state is the caller's: no global, no lock. SplitMix64 (public domain).
#pragma once
#include "base/bits.h"

struct prng {
    uint64_t state;  // any value is a valid seed
};

ALWAYS_INLINE uint64_t prng_next(struct prng *prng) {
    prng->state += 0x9e3779b97f4a7c15ULL;
    return bits_mix(prng->state);
}
// Uniform in 0 .. bound - 1 up to a bias of bound / 2^32; `bound` >= 1.
ALWAYS_INLINE uint32_t prng_below(struct prng *prng, uint32_t bound) {
    return (uint32_t)(((prng_next(prng) >> 32) * bound) >> 32);
}
