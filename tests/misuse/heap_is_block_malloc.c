// expect: tidemalloc: tide_heap_malloc(0x*): not a heap, or destroyed already
// tests/misuse/heap_is_block_malloc.c - the same, by tide_heap_malloc.
#include <stdlib.h>
#include <tidemalloc.h>

#include "tests/support/test.h"

int main(void) {
    tide_heap *heap = test_hide(tide_heap_new());
    CHECK(tide_heap_malloc(test_hide(tide_heap_malloc(heap, 100)), 100) == NULL);
    return 0;
}
