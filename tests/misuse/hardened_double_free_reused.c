// expect: tidemalloc: free(0x*): double free of a 112-byte block
// tests/misuse/hardened_double_free_reused.c - behind a hundred blocks of the same size
// that were taken in between: the quarantine kept it from them.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(100));
    free(block);
    for (unsigned i = 0; i < 100; i++)
        test_hide(malloc(100));
    free(test_hide(block));
    return 0;
}
