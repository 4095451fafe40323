// heap/secret.h - what a hardened process does not tell: canaries, and numbers for its choices.
//
// Keys of 64 bits from the kernel, drawn once at start (a forked child has its parent's: its
// blocks' canaries are). Numbers are a counter, mixed with the keys: any thread may draw, without a
// lock. Who draws many draws one and goes on from it: that costs no shared word. They are for
// choices that an attacker should not foresee, not for keys.
#pragma once
#include "os/os.h"

// Sealed when they are drawn; the last one is odd.
extern struct secret_keys {
    _Alignas(OS_SEALED_BYTES) uint64_t block, factor;
} secret_keys;

// Once, before the first block.
void     secret_start(void);
uint64_t secret_random(void);
// 0 .. below - 1; `below` >= 1.
uint32_t secret_below(uint32_t below);
// Both halves of the product: each bit of the answer depends on nearly all of both numbers.
ALWAYS_INLINE uint64_t secret_fold(uint64_t one, uint64_t other) {
    unsigned __int128 product = (unsigned __int128)one * other;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}
// The next number of a row of the caller's own, which starts with a secret_random in `*row`.
ALWAYS_INLINE uint64_t secret_next(uint64_t *row) {
    *row += 0x9e3779b97f4a7c15u;
    return secret_fold(*row, *row ^ 0xd6e8feb86659fd93u);
}
// Small choices, several of which one number of a row serves: a few bits each.
struct secret_dice {
    uint64_t row;   // a secret_random to begin with
    uint64_t left;  // bits not given yet, and a one above them; 0 to begin with
};
// 0 .. 2^bits - 1; `bits` 1 .. 32.
ALWAYS_INLINE uint32_t secret_throw(struct secret_dice *dice, unsigned bits) {
    uint64_t left = dice->left;
    if (UNLIKELY(left >> bits == 0))
        left = secret_next(&dice->row) | (uint64_t)1 << 63;
    dice->left = left >> bits;
    return (uint32_t)(left & (((uint64_t)1 << bits) - 1));
}
// 0 .. below - 1; 1 <= `below` <= SECRET_FEW: one is as likely as another by a part in 128.
enum { SECRET_FEW = 128, SECRET_FEW_BITS = 14 };
ALWAYS_INLINE uint32_t secret_throw_below(struct secret_dice *dice, uint32_t below) {
    return secret_throw(dice, SECRET_FEW_BITS) * below >> SECRET_FEW_BITS;
}
// The pattern of eight bytes behind the block at this address: none of them is zero, so that a
// string's end that is written one too far is seen. One product: every block that is taken or
// freed pays for it.
ALWAYS_INLINE uint64_t secret_canary(uintptr_t block) {
    return secret_fold(block ^ secret_keys.block, secret_keys.factor) | 0x0101010101010101u;
}
