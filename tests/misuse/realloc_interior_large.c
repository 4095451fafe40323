// expect: tidemalloc: realloc(0x*): pointer into the middle of a
//       200704-byte block (large, starts at 0x*)
// tests/misuse/realloc_interior_large.c - realloc of the second page of a large block.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *moved = realloc(test_hide((char *)test_hide(malloc(200 * 1000)) + 4096), 100);
    free(moved);
    return 0;
}
