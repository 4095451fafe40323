// expect: tidemalloc: operator delete(0x*): pointer into the middle of a
//       200704-byte block (large, starts at 0x*)
// tests/misuse/interior_delete.c - delete of the middle of a large block.
#include <stdlib.h>

#include "tests/support/test.h"

void _ZdlPv(void *block);

int main(void) {
    char *block = test_hide(malloc(200 * 1000));
    _ZdlPv(test_hide(block + 100 * 1000));
    return 0;
}
