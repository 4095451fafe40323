// expect: tidemalloc: free(0x*): pointer not from this allocator
// tests/misuse/foreign_code.c - the address of a function.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    free(test_hide((void *)(uintptr_t)&main));
    return 0;
}
