// report: tidemalloc: buffer underflow: write to 0x*, 1 byte before the start of the 100-byte
//       block at 0x*
// events: allocated, accessed
// tests/misuse/guarded_underflow.c - with TIDE_GUARD=1/1: one byte before a block that stands at
// the start of its page.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = NULL;
    while (!test_aligned(block = test_hide(malloc(100)), 4096))
        continue;
    block[-1] = 1;
    return 0;
}
