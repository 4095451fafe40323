// expect: tidemalloc: free(0x*): double free of a 1024-byte block
// tests/misuse/double_free_many.c - a block again after thousands of others.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

enum { COUNT = 5000 };

static void *blocks[COUNT];

int main(void) {
    for (int i = 0; i < COUNT; i++)
        blocks[i] = malloc(1024);
    for (int i = 0; i < COUNT; i++) {
        if (i % 8 != 0)  // no slab becomes empty
            free(blocks[i]);
    }
    free(test_hide(blocks[101]));
    malloc_trim(0);
    return 0;
}
