// expect: tidemalloc: free(0x*): pointer not from this allocator
// tests/misuse/double_free_unmapped.c - a huge block twice that was unmapped in between: others may
// have its addresses now.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *block = test_hide(malloc(100 << 20));  // more than TIDE_HUGE_CACHE
    free(block);
    free(test_hide(block));
    return 0;
}
