// expect: tidemalloc: free(0x*): double free of a 64-byte block
// tests/misuse/double_free_far.c - a, b, a: found when the cache goes back to the bins.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *first = test_hide(malloc(64)), *second = test_hide(malloc(64));
    free(first);
    free(second);
    free(test_hide(first));
    malloc_trim(0);
    return 0;
}
