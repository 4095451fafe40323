// expect: tidemalloc: realloc(0x*): written
//       behind the end of the 100-byte block (112-byte class): byte 103
// tests/misuse/hardened_overflow_realloc.c - told by the realloc.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(100));
    block[103] ^= 1;
    block = test_hide(realloc(block, 4000));
    free(block);
    return 0;
}
