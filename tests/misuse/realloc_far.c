// expect: tidemalloc: realloc(0x*): pointer not from this allocator
// tests/misuse/realloc_far.c - realloc of an address of the kernel.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *moved = realloc(test_hide((void *)(uintptr_t)0xffff800000001000), 100);
    free(moved);
    return 0;
}
