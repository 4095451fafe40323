// expect: tidemalloc: realloc(0x*): memory that is free already: a 64-byte block
// tests/misuse/realloc_twice.c - the old place of a small block that realloc moved, resized again.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *block = test_hide(malloc(64));
    void *first = test_hide(realloc(block, 500));
    void *second = test_hide(realloc(test_hide(block), 500));
    return first == second;
}
