// expect: tidemalloc: realloc(0x*): pointer not from this allocator
// tests/misuse/realloc_global.c - realloc of an array of the program.
#include <stdlib.h>

#include "tests/support/test.h"

static char global[100];

int main(void) {
    void *moved = realloc(test_hide(global), 100);
    free(moved);
    return 0;
}
