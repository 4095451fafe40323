// expect: tidemalloc: free(0x*): pointer not from this allocator
// tests/misuse/foreign_high.c - a live block's address, with the high bits of the kernel's half.
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"

int main(void) {
    void *block = test_hide(malloc(64));
    free(test_hide((void *)((uintptr_t)block | 0xffff000000000000)));
    _exit(0);  // no look at the end
}
