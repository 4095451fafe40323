// expect: tidemalloc: tide_heap_destroy(0x*): not a heap, or destroyed already
// tests/misuse/heap_is_block.c - a block taken for its heap.
#include <stdlib.h>
#include <tidemalloc.h>

#include "tests/support/test.h"

int main(void) {
    tide_heap *heap = test_hide(tide_heap_new());
    tide_heap_destroy(test_hide(tide_heap_malloc(heap, 100)));
    return 0;
}
