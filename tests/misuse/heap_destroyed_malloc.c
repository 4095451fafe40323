// expect: tidemalloc: tide_heap_malloc(0x*): not a heap, or destroyed already
// tests/misuse/heap_destroyed_malloc.c - a block of a heap that is destroyed.
#include <stdlib.h>
#include <tidemalloc.h>

#include "tests/support/test.h"

int main(void) {
    tide_heap *heap = test_hide(tide_heap_new());
    tide_heap_destroy(heap);
    CHECK(tide_heap_malloc(test_hide(heap), 100) == NULL);
    return 0;
}
