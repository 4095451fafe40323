// expect: tidemalloc: realloc(0x*): memory that is free already: a 64-byte block
// tests/misuse/realloc_freed_small.c - realloc of a small block that went back to its slab.
#include <stdlib.h>

#include "tests/support/test.h"

enum { BLOCKS = 100 * 1000 };

int main(void) {
    static void *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = test_hide(malloc(64));
    // One block in a hundred lives, so that every slab stays.
    for (int i = 1; i < BLOCKS; i++)
        if (i % 100 != 0)
            free(blocks[i]);
    return realloc(test_hide(blocks[1]), 100) == NULL;
}
