// expect: tidemalloc: free(0x*): double free of a 48-byte block
// tests/misuse/double_free_hundreds.c - a block again after hundreds of others of its class; the
// program ends.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    static void *blocks[600];
    for (int i = 0; i < 600; i++)
        blocks[i] = test_hide(malloc(48));
    for (int i = 0; i < 600; i++)
        free(blocks[i]);
    free(test_hide(blocks[300]));
    return 0;
}
