// expect: tidemalloc: free(0x*): double free of a 256-byte block
// tests/misuse/double_free_aligned.c - an aligned block twice.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *block = test_hide(aligned_alloc(256, 256));
    free(block);
    free(test_hide(block));
    return 0;
}
