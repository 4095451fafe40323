// expect: tidemalloc: free(0x*): pointer into the middle of a 24576-byte block (starts at 0x*)
// tests/misuse/interior_last.c - the last place of a block of 24 KiB where another could
// begin.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(24576));
    free(test_hide(block + 24576 - 16));
    malloc_trim(0);
    return 0;
}
