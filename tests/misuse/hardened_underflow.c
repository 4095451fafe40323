// expect: tidemalloc: free(0x*): written before the start of the 100-byte block (112-byte class)
// tests/misuse/hardened_underflow.c - one byte before the start. The blocks of a slab
// are many, so that some have a neighbour.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *blocks[32];
    for (unsigned i = 0; i < 32; i++)
        blocks[i] = test_hide(malloc(100));
    // The first slot of a slab has the fence before it.
    unsigned inner = ((uintptr_t)blocks[0] & 0xffff) ? 0 : 1;
    blocks[inner][-1] ^= 1;
    free(blocks[inner]);
    return 0;
}
