// expect: tidemalloc: free(0x*): memory that is free already
// tests/misuse/heap_destroyed_block.c - a large block that went with its heap.
#include <stdlib.h>
#include <tidemalloc.h>

#include "tests/support/test.h"

int main(void) {
    tide_heap *heap = test_hide(tide_heap_new());
    void      *block = test_hide(tide_heap_malloc(heap, 300 * 1000));
    CHECK(test_hide(malloc(300 * 1000)) != NULL);
    tide_heap_destroy(heap);
    free(test_hide(block));
    return 0;
}
