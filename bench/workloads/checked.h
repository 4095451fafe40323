// bench/workloads/checked.h - blocks that know their size, and prove when freed that nobody else
// wrote to them.
//
// The first word, and from 64 bytes on the last, hold a stamp made of size and address. So a block
// given out twice, moved, cut short or overwritten stops the run instead of being measured. The
// cost is that of writing and reading the two words, which a program would do as well.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHECKED_TWO_STAMPS = 64 };  // bytes from which the last word is stamped too
#define CHECKED_KEY UINT64_C(0x7d1e5a93c64f20b8)

__attribute__((noreturn, cold, noinline, unused)) static void workload_fail(const char *what,
                                                                            const void *block) {
    fprintf(stderr, "bench: %s (block %p)\n", what, block);
    abort();
}
static inline volatile uint64_t *checked_last(void *block, size_t bytes) {
    return (volatile uint64_t *)((char *)block + (bytes & ~(size_t)7) - sizeof(uint64_t));
}
// The size stands in both halves: a change of one bit shows before the size is used.
static inline uint64_t checked_stamp(const void *block, uint64_t bytes) {
    return CHECKED_KEY ^ (uintptr_t)block ^ bytes << 32 ^ bytes;
}
// `bytes` is at least 8 and below 2^32.
static inline void *checked_new(size_t bytes) {
    void *block = malloc(bytes);
    __asm__ volatile("" : "+r"(block));  // hides where it is from: no call is optimised away
    uint64_t stamp = checked_stamp(block, bytes);
    if (!block)
        workload_fail("no memory", NULL);
    *(volatile uint64_t *)block = stamp;
    if (bytes >= CHECKED_TWO_STAMPS)
        *checked_last(block, bytes) = stamp;
    return block;
}
// Frees what checked_new() gave. The stamp goes first: a second owner of the block would notice.
static inline void checked_drop(void *block) {
    volatile uint64_t *first = (volatile uint64_t *)block;
    uint64_t           stamp = *first, bytes = (stamp ^ checked_stamp(block, 0)) >> 32;
    if (bytes < sizeof(uint64_t) || stamp != checked_stamp(block, bytes))
        workload_fail("the first word of a block was overwritten", block);
    if (bytes >= CHECKED_TWO_STAMPS && *checked_last(block, bytes) != stamp)
        workload_fail("the last word of a block was overwritten", block);
    *first = 0;
    free(block);
}
