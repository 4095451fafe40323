// tests/support/tide.h - loads whose resident memory is looked at: tests/process/tide_*.c.
//
// Guarantees: the arrays of a load and the reading of figures touch no heap; a load repeats
// exactly.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIDE_MIB = 1 << 20 };

// A mapping of its own, resident from now on: measured as part of the base, not of the load.
void *tide_array(size_t bytes);

// Sizes from 16 B to 64 KiB, in each doubling as many as in any other.
size_t tide_mixed_size(uint64_t *state);
// A block all of whose pages are resident; fails when there is no memory.
void *tide_block(size_t bytes);

struct tide_load {
    void   **blocks;  // NULL: freed
    size_t  *sizes;
    size_t   count, most;
    size_t   live;    // bytes asked for, of the blocks that are there
    uint64_t random;
};

// No blocks, room for `most`.
void tide_load_init(struct tide_load *load, size_t most);
void tide_load_add(struct tide_load *load, size_t bytes);
void tide_load_free(struct tide_load *load, size_t index);
// Adds blocks until `bytes` are live; frees all that are there.
void tide_load_fill(struct tide_load *load, size_t bytes, size_t (*size)(uint64_t *state));
void tide_load_empty(struct tide_load *load);
// Moves the blocks that are there together.
void tide_load_pack(struct tide_load *load);

enum tide_traffic {
    TIDE_TOGETHER,  // fifty blocks, then fifty frees
    TIDE_PAIRS,     // each block is freed before the next
    TIDE_KEPT,      // freed never
};
// Fifty small blocks every 20 ms, for so long.
void tide_light_traffic(enum tide_traffic traffic, unsigned milliseconds);

// A burst of 512 MiB that is freed: prints what is resident, and fails when at the last free that
// is more than 32 MiB above what was there before, or some of it is lazily free (MADV_FREE).
void tide_burst(struct tide_load *load, size_t (*size)(uint64_t *state));

// Buffers come and go: `cycle` is called so often to warm up, then `cycles` times with a page fault
// in half of them at most.
void tide_cycles(void (*cycle)(void), unsigned warm, unsigned cycles);
// They stay away: after two seconds of light traffic at most 32 MiB are resident above `base`.
void tide_gone(size_t base);

// Page faults of this process so far.
size_t tide_faults(void);
// Resident bytes; shown on stdout beside what they are compared with.
size_t tide_rss(void);
void   tide_show(const char *what, size_t rss, size_t base, size_t live);
