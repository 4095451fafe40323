// heap/secret.h - what a hardened process does not tell: canaries, and numbers for its choices.
//
// Two keys of 64 bits from the kernel, drawn once at start (a forked child has its parent's: its
// blocks' canaries are). Numbers are a counter, mixed with the keys: any thread may draw, without a
// lock. They are for choices that an attacker should not foresee, not for keys.
#pragma once
#include "base/base.h"

// Once, before the first block.
void     secret_start(void);
uint64_t secret_random(void);
// 0 .. below - 1; `below` >= 1.
uint32_t secret_below(uint32_t below);
// The pattern of eight bytes behind the block at this address: none of them is zero, so that a
// string's end that is written one too far is seen.
uint64_t secret_canary(uintptr_t block);
