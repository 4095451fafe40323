// expect: tidemalloc: tide_heap_destroy(0x*): written
//       behind the end of the 100-byte block (112-byte class): byte 100
// tests/misuse/hardened_heap_destroy.c - a block that is never freed but with its heap.
#include <stdlib.h>

#include "tests/support/test.h"
#include "tidemalloc.h"

int main(void) {
    tide_heap *heap = tide_heap_new();
    char      *block = test_hide(tide_heap_malloc(heap, 100));
    block[100] = 0;
    tide_heap_destroy(heap);
    return 0;
}
