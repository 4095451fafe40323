// expect: tidemalloc: realloc(0x*): pointer into the middle of a
//       5242880-byte block (huge, starts at 0x*)
// tests/misuse/realloc_interior_huge.c - realloc of the middle of a huge block.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(5 << 20));
    return realloc(test_hide(block + 4096), 6 << 20) == NULL;
}
