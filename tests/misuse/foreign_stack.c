// expect: tidemalloc: free(0x*): pointer not from this allocator
// tests/misuse/foreign_stack.c - a variable on the stack.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char local[64];
    memset(local, 0, sizeof local);
    free(test_hide(local));
    return 0;
}
