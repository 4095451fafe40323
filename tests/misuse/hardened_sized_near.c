// expect: tidemalloc: tide_free_sized(0x*, 101): size does not match the 100-byte block
// tests/misuse/hardened_sized_near.c - a size that the class would have room for.
#include <stdlib.h>

#include "tests/support/test.h"
#include "tidemalloc.h"

int main(void) {
    tide_free_sized(test_hide(malloc(100)), 101);
    return 0;
}
