// expect: tidemalloc: free(0x*): memory that is free already
// tests/misuse/double_free_slab_gone.c - a block whose slab is gone by the second free.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    static char *blocks[20 * 1000];
    for (int i = 0; i < 20 * 1000; i++)
        blocks[i] = test_hide(malloc(512));
    char *block = blocks[10 * 1000];
    for (int i = 0; i < 20 * 1000 - 1; i++)  // the last one keeps the memory ours
        free(blocks[i]);
    malloc_trim(0);
    free(test_hide(block));
    return 0;
}
