// expect: tidemalloc: free(0x*): double free of a 64-byte block
// tests/misuse/double_free_uncached.c - a, b, a without a cache: found by the free itself.
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"
#include "tidemalloc.h"

int main(void) {
    tide_option_set("cache", "off");
    malloc_trim(0);
    void *first = test_hide(malloc(64)), *second = test_hide(malloc(64));
    void *third = test_hide(malloc(64));  // stays: the slab does not become empty
    free(first);
    free(second);
    free(test_hide(first));
    free(third);
    _exit(0);  // no look at the end
}
