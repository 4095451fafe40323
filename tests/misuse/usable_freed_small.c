// expect: tidemalloc: malloc_usable_size(0x*): memory that is free already: a 64-byte block
// tests/misuse/usable_freed_small.c - usable size of a small block that went back to its slab.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *keep = test_hide(malloc(64)), *block = test_hide(malloc(64));
    free(block);
    malloc_trim(0);
    CHECK(malloc_usable_size(test_hide(block)) == 0);
    free(keep);
    return 0;
}
