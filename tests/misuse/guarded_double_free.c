// report: tidemalloc: free(0x*): double free of a 64-byte block
// events: allocated, freed, free
// tests/misuse/guarded_double_free.c - with TIDE_GUARD=1/1: freed twice, with a hundred frees
// between.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *block = test_hide(malloc(64));
    free(block);
    for (unsigned i = 0; i < 100; i++)
        free(test_hide(malloc(64)));
    free(test_hide(block));
    return 0;
}
