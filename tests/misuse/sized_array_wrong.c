// expect: tidemalloc: operator delete[](0x*, 1000): size does not match the 64-byte block
// tests/misuse/sized_array_wrong.c - delete[] with the size of another array.
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"

void _ZdaPvm(void *block, size_t size);

int main(void) {
    _ZdaPvm(test_hide(malloc(64)), 1000);
    _exit(0);  // no look at the end
}
