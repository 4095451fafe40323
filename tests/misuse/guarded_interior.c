// report: tidemalloc: free(0x*): pointer at offset 16 of the 64-byte block at 0x*
// events: allocated, free
// tests/misuse/guarded_interior.c - with TIDE_GUARD=1/1: a free inside of a block.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(64));
    free(test_hide(block + 16));
    return 0;
}
