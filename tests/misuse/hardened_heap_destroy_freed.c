// expect: tidemalloc: tide_heap_destroy(0x*): written
//       after free into a block of the 112-byte class: byte 7
// tests/misuse/hardened_heap_destroy_freed.c - a freed block of a heap that ends.
#include <stdlib.h>

#include "tests/support/test.h"
#include "tidemalloc.h"

int main(void) {
    tide_heap *heap = tide_heap_new();
    char      *kept = tide_heap_malloc(heap, 100);  // its slab stays
    char      *block = test_hide(tide_heap_malloc(heap, 100));
    tide_heap_free(heap, block);
    block = test_hide(block);
    block[7] = 1;
    tide_heap_destroy(heap);
    return kept == NULL;
}
