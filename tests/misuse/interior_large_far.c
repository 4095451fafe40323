// expect: tidemalloc: free(0x*): pointer into the middle of a
//       200704-byte block (large, starts at 0x*)
// tests/misuse/interior_large_far.c - a later granule of a large block, at its very start.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char     *block = test_hide(malloc(200 * 1000));
    uintptr_t next = ((uintptr_t)block + 65536) & ~(uintptr_t)65535;
    free(test_hide((void *)next));
    return 0;
}
