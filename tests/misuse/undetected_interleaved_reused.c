// tests/misuse/undetected_interleaved_reused.c - a, b, a, and then as many blocks of that class are
// taken: one of them is handed out twice, and no cache holds it any more.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *a = test_hide(malloc(64)), *b = test_hide(malloc(64));
    free(a);
    free(b);
    free(test_hide(a));
    void *first = test_hide(malloc(64));
    CHECK(test_hide(malloc(64)) == b);
    CHECK(test_hide(malloc(64)) == first);
    return 0;
}
