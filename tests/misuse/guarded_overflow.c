// report: tidemalloc: buffer overflow: write to 0x*, 0 bytes after the end of the 64-byte block
//       at 0x*
// events: allocated, accessed
// tests/misuse/guarded_overflow.c - with TIDE_GUARD=1/1: one byte over the end of a small block.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(64));
    block[64] = 1;
    return 0;
}
