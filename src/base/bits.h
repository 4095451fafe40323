// base/bits.h - find, count and round bits of one word.
#pragma once
#include "base/base.h"

// Index of the lowest set bit. `word` must not be 0.
ALWAYS_INLINE unsigned bits_lowest(uint64_t word) {
    return (unsigned)__builtin_ctzll(word);
}
// Index of the highest set bit. `word` must not be 0.
ALWAYS_INLINE unsigned bits_highest(uint64_t word) {
    return 63u - (unsigned)__builtin_clzll(word);
}
ALWAYS_INLINE unsigned bits_count(uint64_t word) {
#ifdef __POPCNT__
    return (unsigned)__builtin_popcountll(word);
#else
    // In halves of bytes, then by a product: no table, no function of the compiler's library.
    word -= word >> 1 & 0x5555555555555555;
    word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (unsigned)(word * 0x0101010101010101 >> 56);
#endif
}
// The `count` lowest bits set, 0 <= count <= 64.
ALWAYS_INLINE uint64_t bits_low_mask(unsigned count) {
    return count >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << count) - 1;
}
// The smallest power of two that is not below `value`; 1 for 0. `value` <= 2^63.
ALWAYS_INLINE uint64_t bits_round_up_power(uint64_t value) {
    return value <= 1 ? 1 : (uint64_t)1 << (bits_highest(value - 1) + 1);
}
// A word whose bits all depend on all bits of `value` (the finaliser of MurmurHash3, public
// domain): spreads addresses for the treap's priorities.
ALWAYS_INLINE uint64_t bits_mix(uint64_t value) {
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccdULL;
    value ^= value >> 33;
    value *= 0xc4ceb9fe1a85ec53ULL;
    return value ^ (value >> 33);
}
