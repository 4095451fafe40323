// expect: tidemalloc: free_sized(0x*, 100): size does not match the 64-byte block
// tests/misuse/sized_wrong.c - free_sized with a size of another class.
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"

void free_sized(void *block, size_t size);

int main(void) {
    free_sized(test_hide(malloc(64)), 100);
    _exit(0);  // no look at the end
}
