// expect: tidemalloc: tide_heap_malloc(0x0): not a heap, or destroyed already
// tests/misuse/heap_is_null.c - a block of no heap at all, as where
// tide_heap_new had no memory.
#include <stdlib.h>
#include <tidemalloc.h>

#include "tests/support/test.h"

int main(void) {
    CHECK(tide_heap_malloc(test_hide(NULL), 100) == NULL);
    return 0;
}
