// expect: tidemalloc: free(0x*): pointer not from this allocator
// tests/misuse/foreign_high.c - an address of the kernel.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    free(test_hide((void *)(uintptr_t)0xffff800000001000));
    return 0;
}
