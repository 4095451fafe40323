// expect: tidemalloc: free(0x*): pointer not from this allocator
// tests/misuse/foreign_small.c - a small number that is no address.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    free(test_hide((void *)(uintptr_t)16));
    return 0;
}
