// expect: tidemalloc: free(0x*): pointer not from this allocator
// tests/misuse/heap_freed.c - a heap given to free.
#include <stdlib.h>
#include <tidemalloc.h>

#include "tests/support/test.h"

int main(void) {
    tide_heap *heap = test_hide(tide_heap_new());
    free(test_hide(heap));
    return 0;
}
