// expect: tidemalloc: free_sized(0x*, 10): size does not match the 4096-byte block
// tests/misuse/sized_too_small.c - free_sized with a size that is far too small.
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"

void free_sized(void *block, size_t size);

int main(void) {
    free_sized(test_hide(malloc(4096)), 10);
    _exit(0);  // no look at the end
}
