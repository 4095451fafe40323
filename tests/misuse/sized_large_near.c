// expect: tidemalloc: free_sized(0x*, 296000): size does not match the 303104-byte block
// tests/misuse/sized_large_near.c - free_sized of a large block that is a page smaller.
#include <stdlib.h>

#include "tests/support/test.h"

void free_sized(void *block, size_t size);

int main(void) {
    free_sized(test_hide(malloc(300 * 1000)), 296 * 1000);
    return 0;
}
