// expect: tidemalloc: malloc_usable_size(0x*): pointer into the middle of a
//       9437184-byte block (huge, starts at 0x*)
// tests/misuse/usable_interior_huge.c - usable size of the middle of a huge block.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(9 << 20));
    CHECK(malloc_usable_size(test_hide(block + (5 << 20))) == 0);
    return 0;
}
