// expect: tidemalloc: tide_heap_free(0x*): written
//       behind the end of the 100-byte block (112-byte class): byte 100
// tests/misuse/hardened_heap_overflow.c - a block of a heap of the user's.
#include <stdlib.h>

#include "tests/support/test.h"
#include "tidemalloc.h"

int main(void) {
    tide_heap *heap = tide_heap_new();
    char      *block = test_hide(tide_heap_malloc(heap, 100));
    block[100] = 0;
    tide_heap_free(heap, block);
    return 0;
}
