// expect: tidemalloc: free(0x*): pointer not from this allocator
// tests/misuse/foreign_unmapped.c - an address where nothing is mapped.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    free(test_hide((void *)(uintptr_t)0xdeadbeef0));
    return 0;
}
