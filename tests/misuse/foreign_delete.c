// expect: tidemalloc: operator delete(0x*): pointer not from this allocator
// tests/misuse/foreign_delete.c - delete of an array on the stack.
#include <stdlib.h>

#include "tests/support/test.h"

void _ZdlPv(void *block);

int main(void) {
    char local[100];
    _ZdlPv(test_hide(local));
    return 0;
}
