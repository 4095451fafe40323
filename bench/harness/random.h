// bench/harness/random.h - the random numbers of a workload: fast, seeded, the same on each run.
//
// xoroshiro128+ (Blackman and Vigna 2018): about a nanosecond a number, so that the workload's own
// cost stays below the allocator's.
#pragma once
#include "harness/workload.h"

static inline uint64_t random_rotate(uint64_t value, unsigned by) {
    return value << by | value >> (64 - by);
}
static inline uint64_t random_next(struct bench_thread *thread) {
    uint64_t a = thread->random[0], b = thread->random[1], result = a + b;
    b ^= a;
    thread->random[0] = random_rotate(a, 24) ^ b ^ b << 16;
    thread->random[1] = random_rotate(b, 37);
    return result;
}
// 0 .. below - 1; `below` up to 2^32.
static inline uint64_t random_below(struct bench_thread *thread, uint64_t below) {
    return (random_next(thread) >> 32) * below >> 32;
}
// A size from `least` to below `most` with density 1/size: each doubling is as likely as any
// other, as sizes in servers are seen to be. `least` and `most` are powers of two.
static inline size_t random_size(struct bench_thread *thread, size_t least, size_t most) {
    unsigned doublings = (unsigned)__builtin_ctzll(most) - (unsigned)__builtin_ctzll(least);
    uint64_t random = random_next(thread);
    size_t   low = least << ((random >> 48) * doublings >> 16);
    return low + ((random >> 16 & 0xffffffff) * low >> 32);
}
// Writes what a program would at the least: the first word, the last of larger blocks, and one in
// every page between, because who asks for 40 KiB fills them: what is resident then compares.
static inline void *touch(void *block, size_t bytes) {
    for (size_t at = 0; at + 8 <= bytes || at == 0; at += 4096)
        *(volatile uint64_t *)((char *)block + at) = bytes;
    if (bytes >= 64)
        *(volatile uint64_t *)((char *)block + (bytes & ~(size_t)7) - 8) = bytes;
    return block;
}
