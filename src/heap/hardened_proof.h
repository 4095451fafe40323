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

enum {
    PROOF_COMPARED = 256,  // bytes; of larger slots libc compares faster than a loop of ours
    PROOF_CLEARED = 128,   // bytes; larger ones it clears faster
    PROOF_AT_ONCE = 64,    // bytes; these have no loop at all
};

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
// By `rest`, of the last word but two: its highest bytes, as many as are left of it behind sixteen.
// Of the word behind that by eight more.
extern const uint64_t proof_tail_masks[PROOF_SHORT + 8 + 1];
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
    proof_write_part(last - 1, canary, proof_tail_masks[rest + 8]);
    proof_write_part(proof_third(base, room), canary, proof_tail_masks[rest]);
}
ALWAYS_INLINE bool proof_is_whole_slot(uintptr_t base, size_t room, size_t rest) {
    if (!option(OPT_CANARY))
        return true;
    const uint64_t *last = proof_word(base + room) - 1;
    uint64_t        canary = secret_canary(base), wrong = PEEK(last) ^ canary;
    if (UNLIKELY(rest > PROOF_SHORT))
        return proof_is_whole(base, room - rest, room);
    wrong |= (PEEK(last - 1) ^ canary) & proof_tail_masks[rest + 8];
    wrong |= (PEEK(proof_third(base, room)) ^ canary) & proof_tail_masks[rest];
    return LIKELY(wrong == 0);
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

// Slots are pairs of words. What stands before the last one, in a slot of two pairs and up to
// PROOF_AT_ONCE, is three pairs, some of them the same: how many there are is no branch.
typedef uint64_t proof_pair __attribute__((vector_size(16), may_alias));
ALWAYS_INLINE proof_pair *proof_pair_at(uintptr_t base, size_t pair, size_t room) {
    size_t last = room / sizeof(proof_pair) - 2;
    return (proof_pair *)base + min_size(pair, last);
}
ALWAYS_INLINE bool proof_is_short(size_t room) {
    return LIKELY(room <= PROOF_AT_ONCE) && LIKELY(room > sizeof(proof_pair));
}

// Clears a slot, but for its last word where that is canary.
ALWAYS_INLINE void proof_clear(uintptr_t base, size_t room) {
    if (!option(OPT_ZERO_ON_FREE))
        return;
    if (UNLIKELY(room > PROOF_CLEARED)) {
        memset((void *)base, 0, room - proof_canary_bytes());
        return;
    }
    uint64_t *last = proof_word(base + room) - 2;
    if (proof_is_short(room))
        *proof_pair_at(base, 0, room) = *proof_pair_at(base, 1, room) =
            *proof_pair_at(base, 2, room) = (proof_pair){0, 0};
    else  // opaque: or compilers make it that call again
        for (uintptr_t at = base; at < (uintptr_t)last; at = OPAQUE(at + sizeof(proof_pair)))
            *(proof_pair *)at = (proof_pair){0, 0};
    last[0] = 0;
    if (!option(OPT_CANARY))
        last[1] = 0;
}
// True: it is clear yet. Of its last two words one may be canary.
ALWAYS_INLINE bool proof_is_clear(uintptr_t base, size_t room) {
    const uint64_t *words = proof_word(base), *last = proof_word(base + room) - 2;
    uint64_t        even = last[0], odd = option(OPT_CANARY) ? 0 : last[1];
    if (!option(OPT_ZERO_ON_FREE))
        return true;
    // What follows sixteen zeroes and is the same as what stands sixteen bytes before is zero.
    if (room > PROOF_COMPARED)
        return LIKELY((even | odd | words[0] | words[1]) == 0) &&
               LIKELY(memcmp(words, words + 2, room - 4 * sizeof *words) == 0);
    proof_pair all = {even, odd};
    if (proof_is_short(room))
        all |= *proof_pair_at(base, 0, room) | *proof_pair_at(base, 1, room) |
               *proof_pair_at(base, 2, room);
    else
        for (; words < last; words += 2)
            all |= *(const proof_pair *)words;
    return LIKELY((all[0] | all[1]) == 0);
}
// The line for a slot that is not.
NORETURN COLD void proof_fail_clear(const char *function, uintptr_t base, size_t room);
