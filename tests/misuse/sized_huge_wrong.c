// expect: tidemalloc: free_sized(0x*, 4194304): size does not match the 9437184-byte block
// tests/misuse/sized_huge_wrong.c - free_sized of a huge block with half of its size.
#include <stdlib.h>

#include "tests/support/test.h"

void free_sized(void *block, size_t size);

int main(void) {
    free_sized(test_hide(malloc(9 << 20)), 4 << 20);
    return 0;
}
