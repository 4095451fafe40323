// expect: tidemalloc: free(0x*): pointer not from this allocator
// tests/misuse/foreign_strange.c - an address that no processor accepts.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    free(test_hide((void *)(uintptr_t)0x4141414141414141));
    return 0;
}
