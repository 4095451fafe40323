// report: tidemalloc: malloc_usable_size(0x*): memory that is free already: a 64-byte block
// events: allocated, freed, malloc_usable_size
// tests/misuse/guarded_usable_freed.c - with TIDE_GUARD=1/1: the size of a freed block.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(64));
    free(block);
    test_hide_size(malloc_usable_size(test_hide(block)));
    return 0;
}
