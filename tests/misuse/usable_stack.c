// expect: tidemalloc: malloc_usable_size(0x*): pointer not from this allocator
// tests/misuse/usable_stack.c - the usable size of a variable on the stack.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char local[64];
    memset(local, 0, sizeof local);
    return malloc_usable_size(test_hide(local)) == 0;
}
