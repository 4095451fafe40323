// expect: tidemalloc: free_sized(0x*, 40): size does not match the 64-byte block
// tests/misuse/sized_near.c - free_sized with a size of the next class but one.
#include <stdlib.h>

#include "tests/support/test.h"

void free_sized(void *block, size_t size);

int main(void) {
    free_sized(test_hide(malloc(64)), 40);
    return 0;
}
