// expect: tidemalloc: tide_heap_free(0x*): not a heap, or destroyed already
// tests/misuse/heap_destroyed_free.c - free of a block of a heap that is destroyed.
#include <stdlib.h>
#include <tidemalloc.h>

#include "tests/support/test.h"

int main(void) {
    tide_heap *heap = test_hide(tide_heap_new());
    void      *block = test_hide(tide_heap_malloc(heap, 100));
    tide_heap_destroy(heap);
    tide_heap_free(test_hide(heap), test_hide(block));
    return 0;
}
