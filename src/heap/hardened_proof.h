// heap/hardened_proof.h - what shows that a block was left alone: the canary behind it, the zeroes
// of a free slot. And what is said when it was not.
//
// A canary is a secret word of the slot's address; it fills the place from the last byte asked for
// to the end of the room, at least the last word of a slot. Whoever proves or writes holds the
// block, or has just taken it from its holder; a neighbour may read the last word at any time.
#pragma once
#include <string.h>

#include "conf/options.h"
#include "heap/block.h"
#include "heap/secret.h"

enum { PROOF_COMPARED = 256 };  // bytes; of larger slots libc compares faster than a loop of ours

// Bytes of a slot that no request gets.
ALWAYS_INLINE size_t proof_canary_bytes(void) {
    return option(OPT_CANARY) ? sizeof(uint64_t) : 0;
}
// Words are written and read whole.
ALWAYS_INLINE uint64_t *proof_word(uintptr_t address) {
    return (uint64_t *)address;
}

// --- canaries ------------------------------------------------------------------------------------

// The word in which the request ends, and those of its bytes, as a mask, that lie behind it.
ALWAYS_INLINE uint64_t *proof_canary_start(uintptr_t base, size_t requested) {
    return proof_word(base) + requested / sizeof(uint64_t);
}
ALWAYS_INLINE uint64_t proof_canary_mask(size_t requested) {
    return ~(uint64_t)0 << requested % sizeof(uint64_t) * 8;
}
// From the requested end to the end of the room, which is a multiple of eight, as is the base.
ALWAYS_INLINE void proof_write_canary(uintptr_t base, size_t requested, size_t room) {
    uint64_t *word = proof_canary_start(base, requested), *end = proof_word(base + room);
    uint64_t  canary = secret_canary(base), mask = proof_canary_mask(requested);
    if (!option(OPT_CANARY) || requested >= room)
        return;
    POKE(word, (PEEK(word) & ~mask) | (canary & mask));
    while (++word < end)
        POKE(word, canary);
}
// False: some byte of it is not as it was written.
ALWAYS_INLINE bool proof_is_whole(uintptr_t base, size_t requested, size_t room) {
    uint64_t *word = proof_canary_start(base, requested), *end = proof_word(base + room);
    uint64_t  canary = secret_canary(base);
    if (!option(OPT_CANARY) || requested >= room)
        return true;
    uint64_t wrong = (PEEK(word) ^ canary) & proof_canary_mask(requested);
    while (++word < end)
        wrong |= PEEK(word) ^ canary;
    return LIKELY(wrong == 0);
}
// The same two of a slot, whose canary has a word or more: `rest` bytes. How many is a surprise to
// the processor each time. So the last three words are gone through without a branch, by masks of
// those of their bytes that are canary; what is longer, and seldom there, by a loop.
enum { PROOF_SHORT = 3 * sizeof(uint64_t) };

// The highest bytes of a word, as many as are left of `rest` behind `before` of them: 0 .. 8.
ALWAYS_INLINE uint64_t proof_tail_mask(size_t rest, size_t before) {
    size_t   bytes = max_size(min_size(rest, before + sizeof(uint64_t)), before) - before;
    unsigned half = (unsigned)(sizeof(uint64_t) - bytes) * 4;
    return ~(uint64_t)0 << half << half;
}
// The last word but two; of a slot that has only two, the first: nothing of it is meant then.
ALWAYS_INLINE uint64_t *proof_third(uintptr_t base, size_t room) {
    return room < PROOF_SHORT ? proof_word(base) : proof_word(base + room) - 3;
}
ALWAYS_INLINE void proof_write_part(uint64_t *word, uint64_t canary, uint64_t mask) {
    POKE(word, (PEEK(word) & ~mask) | (canary & mask));
}
ALWAYS_INLINE void proof_write_slot(uintptr_t base, size_t room, size_t rest) {
    if (!option(OPT_CANARY))
        return;
    uint64_t *last = proof_word(base + room) - 1, canary = secret_canary(base);
    POKE(last, canary);
    if (UNLIKELY(rest > PROOF_SHORT)) {
        proof_write_canary(base, room - rest, room);
        return;
    }
    proof_write_part(last - 1, canary, proof_tail_mask(rest, 8));
    proof_write_part(proof_third(base, room), canary, proof_tail_mask(rest, 16));
}
ALWAYS_INLINE bool proof_is_whole_slot(uintptr_t base, size_t room, size_t rest) {
    if (!option(OPT_CANARY))
        return true;
    const uint64_t *last = proof_word(base + room) - 1;
    uint64_t        canary = secret_canary(base), wrong = PEEK(last) ^ canary;
    wrong |= (PEEK(last - 1) ^ canary) & proof_tail_mask(rest, 8);
    wrong |= (PEEK(proof_third(base, room)) ^ canary) & proof_tail_mask(rest, 16);
    return LIKELY(wrong == 0) &&
           (LIKELY(rest <= PROOF_SHORT) || proof_is_whole(base, room - rest, room));
}
// The first byte from `from` on, and before `end`, that is not the canary of the block at `base`;
// `end`: it is whole. `words`: what stands from the word of `from` on, or a copy of it.
uintptr_t proof_broken(uintptr_t base, uintptr_t from, uintptr_t end, const uint64_t *words);
// Of a block that is not whole: the same, counted from its base.
size_t proof_broken_at(const struct block *block, size_t room);
NORETURN COLD void proof_fail_behind(const char *function, const struct block *block, size_t at);
// The word before a slot is the last one of another.
ALWAYS_INLINE bool proof_has_before(const struct slab *slab, uintptr_t base) {
    return base != slab->base && option(OPT_CANARY);
}
// Of a live block's slot: that word is canary, or zero (its page went back).
ALWAYS_INLINE bool proof_is_whole_before(const struct slab *slab, uintptr_t base, size_t room) {
    if (!proof_has_before(slab, base))
        return true;
    uint64_t word = PEEK(proof_word(base) - 1);
    return LIKELY(word == secret_canary(base - room)) || word == 0;
}
NORETURN COLD void proof_fail_before(const char *function, const struct block *block);

// --- what is free is zero ------------------------------------------------------------------------

// Clears a slot, but for its last word where that is canary.
ALWAYS_INLINE void proof_clear(uintptr_t base, size_t room) {
    if (option(OPT_ZERO_ON_FREE))
        memset((void *)base, 0, room - proof_canary_bytes());
}
// True: it is clear yet. Slots are multiples of two words; of the last two one may be canary.
ALWAYS_INLINE bool proof_is_clear(uintptr_t base, size_t room) {
    const uint64_t *words = proof_word(base), *last = proof_word(base + room) - 2;
    uint64_t        even = last[0], odd = option(OPT_CANARY) ? 0 : last[1];
    if (!option(OPT_ZERO_ON_FREE))
        return true;
    // What follows sixteen zeroes and is the same as what stands sixteen bytes before is zero.
    if (room > PROOF_COMPARED)
        return LIKELY((even | odd | words[0] | words[1]) == 0) &&
               LIKELY(memcmp(words, words + 2, room - 4 * sizeof *words) == 0);
    for (; words < last; words += 2) {
        even |= words[0];
        odd |= words[1];
    }
    return LIKELY((even | odd) == 0);
}
// The line for a slot that is not.
NORETURN COLD void proof_fail_clear(const char *function, uintptr_t base, size_t room);
