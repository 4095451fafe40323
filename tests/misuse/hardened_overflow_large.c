// expect: tidemalloc: free(0x*): written
//       behind the end of the 100000-byte block (huge): byte 100007
// tests/misuse/hardened_overflow_large.c - the same behind a block of its own,
// within its last page.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(100000));
    block[100007] = 0;
    free(block);
    return 0;
}
