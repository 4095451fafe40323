// expect: tidemalloc: realloc(0x*): pointer into the middle of a 64-byte block (starts at 0x*)
// tests/misuse/realloc_misaligned.c - realloc of a pointer one byte behind the start of a block.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *moved = realloc(test_hide((char *)test_hide(malloc(64)) + 1), 100);
    free(moved);
    return 0;
}
