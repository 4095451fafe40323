// expect: tidemalloc: tide_realloc_inplace(0x*): memory that is free already: a 64-byte block
// tests/misuse/inplace_just_freed.c - tide_realloc_inplace of the small block that was freed last.
#include <stdlib.h>
#include <tidemalloc.h>

#include "tests/support/test.h"

int main(void) {
    void *block = test_hide(malloc(64));
    free(block);
    return tide_realloc_inplace(test_hide(block), 64);
}
