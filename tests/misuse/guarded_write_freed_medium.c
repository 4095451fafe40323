// report: tidemalloc: use after free: write to 0x*, at offset 0 of the 40000-byte block at 0x*
// events: allocated, freed, accessed
// tests/misuse/guarded_write_freed_medium.c - with TIDE_GUARD=1/1: a write to a freed block of
// several pages.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(calloc(10000, 4));
    free(block);
    block = test_hide(block);
    block[0] = 1;
    return 0;
}
