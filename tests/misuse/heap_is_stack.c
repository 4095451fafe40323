// expect: tidemalloc: tide_heap_destroy(0x*): not a heap, or destroyed already
// tests/misuse/heap_is_stack.c - a stack address taken for a heap.
#include <stdlib.h>
#include <tidemalloc.h>

#include "tests/support/test.h"

int main(void) {
    int local = 0;
    tide_heap_destroy(test_hide(&local));
    return 0;
}
