// expect: tidemalloc: free_sized(0x*, 300000): size does not match the 200704-byte block
// tests/misuse/sized_large_shrunk.c - a large block that shrank where it was has a size of its own.
#include <stdlib.h>

#include "tests/support/test.h"

void free_sized(void *block, size_t size);

int main(void) {
    void *block = realloc(test_hide(malloc(300 * 1000)), 200 * 1000);
    free_sized(test_hide(block), 300 * 1000);
    return 0;
}
