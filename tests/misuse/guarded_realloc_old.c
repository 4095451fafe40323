// report: tidemalloc: use after free: write to 0x*, at offset 3 of the 64-byte block at 0x*
// events: allocated, freed, accessed
// tests/misuse/guarded_realloc_old.c - with TIDE_GUARD=1/1: the old pointer after a realloc that
// could have stayed in place.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(64));
    char *grown = test_hide(realloc(block, 65));
    block = test_hide(block);
    block[3] = grown[3];
    return 0;
}
