// heap/hardened_proof.h - what shows that a block was left alone: the canary behind it, the zeroes
// of a free slot. And what is said when it was not.
//
// A canary is a secret word of the slot's address; it fills the place from the last byte asked for
// to the end of the room, at least the last word of a slot. Whoever proves or writes holds the
// block, or has just taken it from its holder; a neighbour may read the last word at any time.
#pragma once
#include "conf/options.h"
#include "heap/block.h"

// Bytes of a slot that no request gets.
ALWAYS_INLINE size_t proof_canary_bytes(void) {
    return option(OPT_CANARY) ? sizeof(uint64_t) : 0;
}
// Words are written and read whole.
ALWAYS_INLINE uint64_t *proof_word(uintptr_t address) {
    return (uint64_t *)address;
}
// From the requested end to the end of the room, which is a multiple of eight, as is the base.
void proof_write_canary(uintptr_t base, size_t requested, size_t room);
// Fatal when the canary of a block with so much room is not as it was written.
void proof_whole(const char *function, const struct block *block, size_t room);
NORETURN COLD void proof_fail_before(const char *function, const struct block *block);
// Clears a slot, but for its last word where that is canary.
void proof_clear(class_id id, uintptr_t base);
// Fatal when it is not clear any more.
void proof_still_clear(const char *function, class_id id, uintptr_t base);
