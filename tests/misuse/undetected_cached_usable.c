// tests/misuse/undetected_cached_usable.c - a small block in a cache, behind another that was freed
// after it, counts as live for usable size.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *block = test_hide(malloc(64)), *later = test_hide(malloc(64));
    free(block);
    free(later);
    CHECK_EQ(malloc_usable_size(test_hide(block)), 64);
    return 0;
}
