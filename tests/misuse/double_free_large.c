// expect: tidemalloc: free(0x*): memory that is free already
// tests/misuse/double_free_large.c - a large block twice.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *block = test_hide(malloc(100 * 1000));
    free(block);
    free(test_hide(block));
    return 0;
}
