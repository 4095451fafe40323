// expect: tidemalloc: malloc_usable_size(0x*): pointer not from this allocator
// tests/misuse/usable_unmapped.c - usable size of an address where nothing is mapped.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    size_t bytes = malloc_usable_size(test_hide((void *)(uintptr_t)0xdeadbeef0));
    CHECK(bytes != bytes + 1);
    return 0;
}
