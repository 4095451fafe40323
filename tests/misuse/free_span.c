// expect: tidemalloc: free(0x*): memory that is free already
// tests/misuse/free_span.c - an address inside a large block that was freed before.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(300 * 1000));
    free(block);
    free(test_hide(block + 2 * 65536));
    return 0;
}
