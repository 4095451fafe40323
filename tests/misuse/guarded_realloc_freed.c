// report: tidemalloc: realloc(0x*): memory that is free already: a 64-byte block
// events: allocated, freed, realloc
// tests/misuse/guarded_realloc_freed.c - with TIDE_GUARD=1/1: realloc of a freed block.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(64));
    free(block);
    block = realloc(test_hide(block), 100);
    return 0;
}
