// expect: tidemalloc: exit(0x*): written
//       behind the end of the 100-byte block (112-byte class): byte 103
// tests/misuse/hardened_overflow_unfreed.c - four bytes behind the end of a block that the program
// ends with.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(100));
    block[103] ^= 1;
    return 0;
}
