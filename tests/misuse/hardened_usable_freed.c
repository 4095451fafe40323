// expect: tidemalloc: malloc_usable_size(0x*): memory that is free already: a 112-byte block
// tests/misuse/hardened_usable_freed.c - a freed block has no size.
#include <stdlib.h>
#include <malloc.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(100));
    free(block);
    CHECK_EQ(malloc_usable_size(test_hide(block)), 0);
    return 0;
}
