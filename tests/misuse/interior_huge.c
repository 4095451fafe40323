// expect: tidemalloc: free(0x*): pointer into the middle of a
//       5242880-byte block (huge, starts at 0x*)
// tests/misuse/interior_huge.c - sixteen bytes behind the start of a huge block.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(5 << 20));
    free(test_hide(block + 16));
    return 0;
}
