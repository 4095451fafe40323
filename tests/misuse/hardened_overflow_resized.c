// expect: tidemalloc: realloc(0x*): written
//       behind the end of the 100-byte block (112-byte class): byte 103
// tests/misuse/hardened_overflow_resized.c - told by a realloc that leaves the block where it is.
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(100));
    block[103] ^= 1;
    block = test_hide(realloc(block, 104));
    _exit(block == NULL);
}
