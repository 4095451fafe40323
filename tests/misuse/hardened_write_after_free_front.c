// expect: tidemalloc: exit(0x*): written after free into a block of the 112-byte class: byte 7
// tests/misuse/hardened_write_after_free_front.c - the block waits in front of the thread, as most
// do that were freed last: told at the end.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    for (unsigned i = 0; i < 100; i++)
        free(test_hide(malloc(200)));
    char *block = test_hide(malloc(100));
    free(block);
    block = test_hide(block);
    block[7] = 1;
    return 0;
}
