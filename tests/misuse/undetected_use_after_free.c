// tests/misuse/undetected_use_after_free.c - writes into free blocks: they hold nothing of ours, be
// they in a cache or in their slab; what the program left there stays.
#include <stdlib.h>

#include "tests/support/test.h"

enum { COUNT = 2000 };

int main(void) {
    static char *blocks[COUNT];
    for (unsigned i = 0; i < COUNT; i++)
        test_fill(blocks[i] = test_hide(malloc(64)), 64, i);
    for (unsigned i = 0; i < COUNT; i++)
        if (i % 16 != 0)  // no slab becomes empty
            free(blocks[i]);
    for (unsigned i = 0; i < COUNT; i++)
        CHECK(test_is_filled(test_hide(blocks[i]), 64, i));
    memset(test_hide(blocks[COUNT - 1]), 1, 64);
    free(test_hide(malloc(64)));
    return 0;
}
