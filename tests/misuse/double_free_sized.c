// expect: tidemalloc: free_sized(0x*): double free of a 64-byte block
// tests/misuse/double_free_sized.c - free, then free_sized of the same block.
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"

void free_sized(void *block, size_t size);

int main(void) {
    void *block = test_hide(malloc(64));
    free(block);
    free_sized(test_hide(block), 64);
    _exit(0);  // no look at the end
}
