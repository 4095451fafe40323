// expect: tidemalloc: free(0x*): double free of a 64-byte block
// tests/misuse/double_free_interleaved.c - a, b, a, and the program ends: told at its end.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *a = test_hide(malloc(64)), *b = test_hide(malloc(64));
    free(a);
    free(b);
    free(test_hide(a));
    return 0;
}
