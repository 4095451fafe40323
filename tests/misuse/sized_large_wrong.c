// expect: tidemalloc: free_sized(0x*, 50): size does not match the 200704-byte block
// tests/misuse/sized_large_wrong.c - free_sized of a large block with the size of a small one.
#include <stdlib.h>

#include "tests/support/test.h"

void free_sized(void *block, size_t size);

int main(void) {
    free_sized(test_hide(malloc(200 * 1000)), 50);
    return 0;
}
