// expect: tidemalloc: malloc_usable_size(0x*): pointer into the middle of a 64-byte block
//       (starts at 0x*)
// tests/misuse/usable_interior.c - usable size of the middle of a block: found at once.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(64));
    return malloc_usable_size(test_hide(block + 32)) == 0;
}
