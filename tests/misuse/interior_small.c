// expect: tidemalloc: free(0x*): pointer into the middle of a 64-byte block (starts at 0x*)
// tests/misuse/interior_small.c - sixteen bytes behind the start of a small block.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(64));
    free(test_hide(block + 16));
    malloc_trim(0);
    return 0;
}
