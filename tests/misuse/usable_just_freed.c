// expect: tidemalloc: malloc_usable_size(0x*): memory that is free already: a 64-byte block
// tests/misuse/usable_just_freed.c - usable size of the small block that was freed last.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *block = test_hide(malloc(64));
    free(block);
    return malloc_usable_size(test_hide(block)) == 64;
}
