// report: tidemalloc: buffer overflow: read of 0x*, 0 bytes after the end of the 20000-byte
//       block at 0x*
// events: allocated, accessed
// tests/misuse/guarded_overflow_medium.c - with TIDE_GUARD=1/1: one step over the end of a block
// of several pages.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(20000));
    for (size_t i = 0; i < 20032; i += 32)
        test_hide_size((size_t)block[i]);
    return 0;
}
