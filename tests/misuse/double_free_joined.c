// expect: tidemalloc: free(0x*): memory that is free already
// tests/misuse/double_free_joined.c - a large block whose free span has joined others.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *first = test_hide(calloc(1, 200 * 1000)), *second = test_hide(calloc(1, 200 * 1000));
    free(first);
    free(second);
    free(test_hide(second));
    return 0;
}
