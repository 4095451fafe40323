// expect: tidemalloc: tide_heap_destroy(0x*): not a heap, or destroyed already
// tests/misuse/heap_destroyed_reused.c - a heap destroyed again when a newer heap
// has its record.
#include <stdlib.h>
#include <tidemalloc.h>

#include "tests/support/test.h"

int main(void) {
    tide_heap *heap = test_hide(tide_heap_new());
    tide_heap_destroy(heap);
    tide_heap *newer = test_hide(tide_heap_new());
    CHECK(newer != NULL && newer != heap);
    tide_heap_destroy(test_hide(heap));
    return 0;
}
