// tests/process/tide_sparse.c - one block of 1000 B in 64 stays: a trim leaves little more than the
// pages they lie on. A second trim finds nothing.
#include <malloc.h>

#include "tests/support/test.h"
#include "tests/support/tide.h"

enum { BLOCKS = 131072, BLOCK_BYTES = 1000, KEEP_ONE_IN = 64, MOST_MIB = 16 };

int main(void) {
    struct tide_load load;
    test_watchdog(60);
    test_need_tide();
    tide_load_init(&load, BLOCKS);
    size_t base = tide_rss();
    while (load.count < BLOCKS)
        tide_load_add(&load, BLOCK_BYTES);
    tide_show("filled", tide_rss(), base, load.live);
    for (size_t i = 0; i < BLOCKS; i++)
        if (i % KEEP_ONE_IN != 0)
            tide_load_free(&load, i);
    tide_show("one in 64 kept", tide_rss(), base, load.live);
    int    first = malloc_trim(0), second = malloc_trim(0);
    size_t rss = tide_rss();
    tide_show("after a trim", rss, base, load.live);
    CHECK_EQ(first, 1);
    CHECK_EQ(second, 0);
    CHECK_LE(rss - base, (size_t)MOST_MIB * TIDE_MIB);
    for (size_t i = 0; i < BLOCKS; i += KEEP_ONE_IN)
        CHECK(test_is_byte(load.blocks[i], BLOCK_BYTES, 1));
    return 0;
}
