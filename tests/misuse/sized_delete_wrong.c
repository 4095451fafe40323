// expect: tidemalloc: operator delete(0x*, 8): size does not match the 64-byte block
// tests/misuse/sized_delete_wrong.c - delete with the size of a base class.
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"

void _ZdlPvm(void *block, size_t size);

int main(void) {
    _ZdlPvm(test_hide(malloc(64)), 8);
    _exit(0);  // no look at the end
}
