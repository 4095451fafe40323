// expect: tidemalloc: free(0x*): memory that is free already
// tests/misuse/double_free_huge.c - a huge block twice: its mapping waits for reuse.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *block = test_hide(malloc(5 << 20));
    free(block);
    free(test_hide(block));
    return 0;
}
