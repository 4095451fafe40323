// expect: tidemalloc: free_aligned_sized(0x*, 5000): size does not match the 128-byte block
// tests/misuse/sized_aligned_wrong.c - free_aligned_sized with a size of another class.
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"

void free_aligned_sized(void *block, size_t align, size_t size);

int main(void) {
    free_aligned_sized(test_hide(aligned_alloc(64, 128)), 64, 5000);
    _exit(0);  // no look at the end
}
