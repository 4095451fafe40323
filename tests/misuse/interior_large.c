// expect: tidemalloc: free(0x*): pointer into the middle of a
//       200704-byte block (large, starts at 0x*)
// tests/misuse/interior_large.c - a page behind the start of a large block.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(200 * 1000));
    free(test_hide(block + 4096));
    return 0;
}
