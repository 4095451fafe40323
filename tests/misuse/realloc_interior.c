// expect: tidemalloc: realloc(0x*): pointer into the middle of a 64-byte block (starts at 0x*)
// tests/misuse/realloc_interior.c - realloc of the middle of a small block: found at once.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(64));
    return realloc(test_hide(block + 16), 1000) == NULL;
}
