// expect: tidemalloc: free(0x*): double free of a 112-byte block
// tests/misuse/double_free_realloc.c - the old place of a block that realloc moved.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *block = test_hide(malloc(100));
    void *moved = test_hide(realloc(block, 100 * 1000));
    free(moved);
    free(test_hide(block));
    malloc_trim(0);
    return 0;
}
