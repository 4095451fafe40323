// expect: tidemalloc: realloc(0x*): pointer not from this allocator
// tests/misuse/realloc_stack.c - realloc of a variable on the stack.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char local[64];
    memset(local, 0, sizeof local);
    return realloc(test_hide(local), 100) == NULL;
}
