// tests/misuse/undetected_interior_reused.c - sixteen bytes into a small block, and the next who
// asks gets that place: inside a block that lives. The cache never passes the pointer on.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(64));
    free(test_hide(block + 16));
    char *next = test_hide(malloc(64));
    CHECK(next == block + 16);
    return 0;
}
