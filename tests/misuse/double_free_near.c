// expect: tidemalloc: free(0x*): double free of a 64-byte block
// tests/misuse/double_free_near.c - the same block twice in a row: found at once.
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"

int main(void) {
    void *block = test_hide(malloc(64));
    free(block);
    free(test_hide(block));
    _exit(0);  // no look at the end
}
