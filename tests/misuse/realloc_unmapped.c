// expect: tidemalloc: realloc(0x*): pointer not from this allocator
// tests/misuse/realloc_unmapped.c - realloc of an address where nothing is mapped.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *moved = realloc(test_hide((void *)(uintptr_t)0xdeadbeef0), 100);
    free(moved);
    return 0;
}
