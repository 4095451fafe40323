// expect: tidemalloc: free_sized(0x*, 3145728): size does not match the 5242880-byte block
// tests/misuse/sized_huge_near.c - free_sized of a huge block with more than half of its size.
#include <stdlib.h>

#include "tests/support/test.h"

void free_sized(void *block, size_t size);

int main(void) {
    free_sized(test_hide(malloc(5 << 20)), 3 << 20);
    return 0;
}
