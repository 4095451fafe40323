// expect: tidemalloc: operator delete(0x*): double free of a 64-byte block
// tests/misuse/double_delete.c - delete twice, by the name the compiler gives it.
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"

void _ZdlPv(void *block);

int main(void) {
    void *block = test_hide(malloc(64));
    _ZdlPv(block);
    _ZdlPv(test_hide(block));
    _exit(0);  // no look at the end
}
