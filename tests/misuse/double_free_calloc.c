// expect: tidemalloc: free(0x*): double free of a 96-byte block
// tests/misuse/double_free_calloc.c - a block of calloc twice in a row.
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"

int main(void) {
    void *block = test_hide(calloc(3, 32));
    free(block);
    free(test_hide(block));
    _exit(0);  // no look at the end
}
