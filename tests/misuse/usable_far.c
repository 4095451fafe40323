// expect: tidemalloc: malloc_usable_size(0x*): pointer not from this allocator
// tests/misuse/usable_far.c - usable size of an address of the kernel.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    size_t bytes = malloc_usable_size(test_hide((void *)(uintptr_t)0xffff800000001000));
    CHECK(bytes != bytes + 1);
    return 0;
}
