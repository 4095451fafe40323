// expect: tidemalloc: exit(0x*): written after free into a block of the 3072-byte class: byte 7
// tests/misuse/hardened_write_after_free.c - the block waits in the quarantine, and
// nobody takes it again: told at the end.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(3000));
    free(block);
    block = test_hide(block);
    block[7] = 1;
    return 0;
}
