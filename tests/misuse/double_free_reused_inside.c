// expect: tidemalloc: free(0x*): pointer into the middle of a 4096-byte block (starts at 0x*)
// tests/misuse/double_free_reused_inside.c - a block whose memory serves a larger class by the
// second free.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    static char *blocks[4000];
    for (int i = 0; i < 4000; i++)
        blocks[i] = test_hide(malloc(1024));
    char *block = blocks[0];
    for (int i = 1; i < 4000 && (uintptr_t)block % 4096 == 0; i++)
        block = blocks[i];
    for (int i = 0; i < 4000; i++)
        free(blocks[i]);
    malloc_trim(0);
    for (int i = 0; i < 4000; i++)
        blocks[i] = test_hide(malloc(4096));
    free(test_hide(block));
    return 0;
}
