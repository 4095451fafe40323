// expect: tidemalloc: malloc(0x*): written after free into a block of the 112-byte class: byte 64
// tests/misuse/hardened_write_before_reuse.c - told when the block is used again.
// The quarantine is left by then, so nobody else looks.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    enum { BLOCKS = 20000 };
    static char *blocks[BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks[i] = test_hide(malloc(100));
    // One in fifty stays, and with it every slab.
    for (unsigned i = 0; i < BLOCKS; i++)
        if (i % 50 > 0)
            free(blocks[i]);
    // These were freed first, and have left the quarantine.
    for (unsigned i = 0; i < BLOCKS / 4; i++)
        if (i % 50 > 0)
            blocks[i][64] = 1;
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks[i] = test_hide(malloc(100));
    return 0;
}
