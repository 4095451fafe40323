// expect: tidemalloc: free_sized(0x*): pointer not from this allocator
// tests/misuse/sized_foreign.c - free_sized of a global variable.
#include <stdlib.h>

#include "tests/support/test.h"

void free_sized(void *block, size_t size);

static char global[64];

int main(void) {
    free_sized(test_hide(global), 64);
    return 0;
}
