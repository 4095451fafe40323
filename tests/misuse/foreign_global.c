// expect: tidemalloc: free(0x*): pointer not from this allocator
// tests/misuse/foreign_global.c - a global variable.
#include <stdlib.h>

#include "tests/support/test.h"

static char global[64];

int main(void) {
    free(test_hide(global));
    return 0;
}
