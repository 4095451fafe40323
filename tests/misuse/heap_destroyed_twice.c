// expect: tidemalloc: tide_heap_destroy(0x*): not a heap, or destroyed already
// tests/misuse/heap_destroyed_twice.c - a heap destroyed twice.
#include <stdlib.h>
#include <tidemalloc.h>

#include "tests/support/test.h"

int main(void) {
    tide_heap *heap = test_hide(tide_heap_new());
    tide_heap_destroy(heap);
    tide_heap_destroy(test_hide(heap));
    return 0;
}
