// report: tidemalloc: free(0x*): memory was written 1 byte before the start of the 64-byte block
// events: allocated, free
// tests/misuse/guarded_underflow_page.c - with TIDE_GUARD=1/1: one byte before a block at the end
// of its page: found when it is freed.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = NULL;
    while (test_aligned(block = test_hide(malloc(64)), 4096))
        continue;
    block[-1] = 1;
    free(block);
    return 0;
}
