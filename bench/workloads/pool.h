// bench/workloads/pool.h - what the mixed workloads share: slots with blocks, checked when freed.
//
// A pool holds the same number of slots at any thread count, shared out evenly: the memory that a
// row holds and the calls it makes then compare between one thread and sixteen. Each thread uses
// its own part alone. The size of a block stands in its slot and, by touch(), in the block's first
// word: a block that was given out twice, or written to by the allocator, ends the run.
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/random.h"

enum { PAGE_BYTES = 4096, KIB = 1 << 10, MIB = 1 << 20 };

#define MEGABYTE UINT64_C(1000000)

struct slot {
    void  *block;  // NULL: the slot is empty
    size_t bytes;
};

struct pool {
    size_t      each, count;  // slots of one thread, of all
    struct slot slots[] __attribute__((aligned(64)));
};

static inline void *word_at(void *block, size_t offset) {
    return (char *)block + offset;
}

// Volatile, so that no compiler concludes from what it knows of malloc or calloc.
static inline uint64_t word_read(void *block, size_t offset) {
    return *(volatile uint64_t *)word_at(block, offset);
}

static inline void word_write(void *block, size_t offset, uint64_t value) {
    *(volatile uint64_t *)word_at(block, offset) = value;
}

__attribute__((noreturn, cold, noinline, unused)) static void workload_fail(const char *what) {
    fprintf(stderr, "bench_workloads: %s\n", what);
    abort();
}

static inline void workload_check(bool good, const char *what) {
    if (__builtin_expect(!good, 0))
        workload_fail(what);
}

// Bookkeeping only: `total` empty slots, a multiple of four (one cache line) in each thread.
static inline struct pool *pool_new(unsigned threads, size_t total) {
    size_t       each = (total / threads + 3) & ~(size_t)3;
    size_t       bytes = sizeof(struct pool) + threads * each * sizeof(struct slot);
    struct pool *pool = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    workload_check(pool != NULL, "no memory for the bookkeeping");
    memset(pool, 0, bytes);
    pool->each = each;
    pool->count = each * threads;
    return pool;
}

static inline struct slot *pool_part(struct pool *pool, const struct bench_thread *thread) {
    return pool->slots + pool->each * thread->rank;
}

// Puts a block that a member of the malloc family has returned into an empty slot.
static inline void slot_take(struct slot *slot, void *block, size_t bytes) {
    workload_check(block != NULL, "out of memory");
    slot->block = touch(block, bytes);
    slot->bytes = bytes;
}

static inline void slot_fill(struct slot *slot, size_t bytes) {
    slot_take(slot, malloc(bytes), bytes);
}

static inline void slot_check(const struct slot *slot) {
    workload_check(word_read(slot->block, 0) == slot->bytes, "a live block has changed");
}

static inline void slot_empty(struct slot *slot) {
    if (!slot->block)
        return;
    slot_check(slot);
    free(slot->block);
    slot->block = NULL;
}

// A teardown: the threads are done with it.
static inline void pool_free(void *state) {
    struct pool *pool = state;
    for (size_t i = 0; i < pool->count; i++)
        slot_empty(&pool->slots[i]);
    free(pool);
}

// Writes to each page of bytes `from` .. `to` - 1, past the first word of the block.
static inline void touch_pages(void *block, size_t from, size_t to) {
    size_t page = from & ~(size_t)(PAGE_BYTES - 1);
    for (size_t at = page + PAGE_BYTES - 8; at + 8 <= to; at += PAGE_BYTES)
        word_write(block, at, at);
}
