// report: tidemalloc: use after free: read of 0x*, at offset 8 of the 64-byte block at 0x*
// events: allocated, freed, accessed
// tests/misuse/guarded_read_freed.c - with TIDE_GUARD=1/1: a read of a freed block.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(64));
    free(block);
    block = test_hide(block);
    test_hide_size((size_t)block[8]);
    return 0;
}
