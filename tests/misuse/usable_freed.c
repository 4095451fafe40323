// expect: tidemalloc: malloc_usable_size(0x*): memory that is free already
// tests/misuse/usable_freed.c - the usable size of a large block that is free.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *block = test_hide(malloc(100 * 1000));
    free(block);
    return malloc_usable_size(test_hide(block)) == 0;
}
