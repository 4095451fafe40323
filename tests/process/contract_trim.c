// tests/process/contract_trim.c - malloc_trim gives back a burst and holes, and says so.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { MIB = 1 << 20, BLOCKS = 64 * 1000, BLOCK_BYTES = 1000, KEEP_ONE_IN = 64 };

static char *blocks[BLOCKS];

static void fill_blocks(size_t size) {
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(size);
        CHECK(blocks[i] != NULL);
        memset(blocks[i], 1, size);
    }
}

// All of a burst goes: 1 for "memory was released", then 0 because nothing is left to release.
static void test_burst(size_t size) {
    malloc_trim(0);
    size_t base = proc_rss();
    fill_blocks(size);
    size_t peak = proc_rss();
    CHECK_LE(base + BLOCKS * size, peak);
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    CHECK_EQ(malloc_trim(0), 1);
    CHECK_EQ(malloc_trim(0), 0);
    CHECK_LE(proc_rss(), base + 8 * MIB);
}

// One block in 64 stays: whole pages between the blocks go although every slab is in use.
static void test_holes(void) {
    size_t base = proc_rss();
    fill_blocks(BLOCK_BYTES);
    size_t peak = proc_rss();
    for (size_t i = 0; i < BLOCKS; i++) {
        if (i % KEEP_ONE_IN != 0)
            free(blocks[i]);
    }
    CHECK_EQ(malloc_trim(0), 1);
    CHECK_LE(proc_rss(), base + (peak - base) / 8 + 4 * MIB);
    for (size_t i = 0; i < BLOCKS; i += KEEP_ONE_IN) {
        CHECK(test_is_byte(blocks[i], BLOCK_BYTES, 1));
        free(blocks[i]);
    }
}

// Freed mappings that were kept for reuse go too.
static void test_huge(void) {
    enum { COUNT = 10, BYTES = 5 * MIB };
    malloc_trim(0);
    size_t base = proc_rss();
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = malloc(BYTES);
        CHECK(blocks[i] != NULL);
        memset(blocks[i], 1, BYTES);
    }
    for (size_t i = 0; i < COUNT; i++)
        free(blocks[i]);
    malloc_trim(0);
    CHECK_LE(proc_rss(), base + 2 * MIB);
}

// What was given back is usable again, and clean where calloc promises so.
static void test_reuse(void) {
    fill_blocks(BLOCK_BYTES);
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    malloc_trim(0);
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = calloc(1, BLOCK_BYTES);
        CHECK(blocks[i] != NULL && test_is_byte(blocks[i], BLOCK_BYTES, 0));
    }
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

// A pad that covers everything keeps memory; it must not be taken for a huge amount to release.
static void test_pad(void) {
    fill_blocks(BLOCK_BYTES);
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    int answer = malloc_trim((size_t)-1);
    CHECK(answer == 0 || answer == 1);
    char *block = malloc(100);
    CHECK(block != NULL);
    block[99] = 1;
    free(block);
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    test_burst(100);
    test_burst(BLOCK_BYTES);
    test_burst(3000);
    test_holes();
    test_huge();
    test_reuse();
    test_pad();
    return 0;
}
