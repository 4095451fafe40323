// base/bitmap.h - sets of small numbers as words of bits, plain and atomic.
//
// The caller owns the words and knows their count; a bitmap has no header. The plain functions want
// outside exclusion. The atomic ones may be called by any thread at any time on the same words:
//
//                      | bitmap_atomic_or | bitmap_atomic_take_word
//   bitmap_atomic_or   | free             | free
//   ..._take_word      | free             | free
//
// Guarantee: every bit set by bitmap_atomic_or is returned by exactly one later
// bitmap_atomic_take_word of its word, unless an `or` in between reported it as set already.
#pragma once
#include "base/bits.h"

enum { BITMAP_WORD_BITS = 64 };

ALWAYS_INLINE size_t bitmap_words(size_t bits) {
    return (bits + BITMAP_WORD_BITS - 1) / BITMAP_WORD_BITS;
}
ALWAYS_INLINE bool bitmap_test(const uint64_t *words, size_t bit) {
    return (words[bit / BITMAP_WORD_BITS] >> (bit % BITMAP_WORD_BITS)) & 1;
}
ALWAYS_INLINE void bitmap_set(uint64_t *words, size_t bit) {
    words[bit / BITMAP_WORD_BITS] |= (uint64_t)1 << (bit % BITMAP_WORD_BITS);
}
ALWAYS_INLINE void bitmap_clear(uint64_t *words, size_t bit) {
    words[bit / BITMAP_WORD_BITS] &= ~((uint64_t)1 << (bit % BITMAP_WORD_BITS));
}

// Sets bits 0 .. bits - 1 and clears the rest of the last word.
static inline void bitmap_fill(uint64_t *words, size_t bits) {
    size_t count = bitmap_words(bits);
    for (size_t i = 0; i < count; i++)
        words[i] = bits_low_mask((unsigned)min_size(bits - i * BITMAP_WORD_BITS, 64));
}
static inline void bitmap_zero(uint64_t *words, size_t bits) {
    for (size_t i = 0; i < bitmap_words(bits); i++)
        words[i] = 0;
}
static inline size_t bitmap_count(const uint64_t *words, size_t bits) {
    size_t sum = 0;
    for (size_t i = 0; i < bitmap_words(bits); i++)
        sum += bits_count(words[i]);
    return sum;
}
// True when every bit of [first, last) is set. An empty range is.
static inline bool bitmap_all_set(const uint64_t *words, size_t first, size_t last) {
    while (first < last) {
        size_t   word = first / BITMAP_WORD_BITS, at = first % BITMAP_WORD_BITS;
        size_t   count = min_size(last - first, BITMAP_WORD_BITS - at);
        uint64_t mask = bits_low_mask((unsigned)count) << at;
        if ((words[word] & mask) != mask)
            return false;
        first += count;
    }
    return true;
}

// Sets `mask` in one word. Release: what the caller did to the memory behind the bits happens
// before whoever takes the word (acquire, below). Returns the bits of `mask` that were set before.
ALWAYS_INLINE uint64_t bitmap_atomic_or(uint64_t *word, uint64_t mask) {
    return __atomic_fetch_or(word, mask, __ATOMIC_RELEASE) & mask;
}
// Empties one word and returns what it held. Acquire: pairs with the release above.
ALWAYS_INLINE uint64_t bitmap_atomic_take_word(uint64_t *word) {
    if (__atomic_load_n(word, __ATOMIC_RELAXED) == 0)
        return 0;
    return __atomic_exchange_n(word, 0, __ATOMIC_ACQUIRE);
}
