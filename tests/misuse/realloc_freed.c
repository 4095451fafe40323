// expect: tidemalloc: realloc(0x*): memory that is free already
// tests/misuse/realloc_freed.c - realloc of a large block that is free.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *block = test_hide(malloc(100 * 1000));
    free(block);
    return realloc(test_hide(block), 200 * 1000) == NULL;
}
