// tests/misuse/undetected_cached_realloc.c - the same for realloc, which leaves it where it is: two
// mallocs later it is handed out again.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *block = test_hide(malloc(64)), *later = test_hide(malloc(64));
    free(block);
    free(later);
    CHECK(realloc(test_hide(block), 60) == block);
    CHECK(test_hide(malloc(64)) == later);
    CHECK(test_hide(malloc(64)) == block);
    return 0;
}
