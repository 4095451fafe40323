// tests/misuse/undetected_reused.c - the second free meets the next owner of the slot: a live
// block.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *block = test_hide(malloc(64));
    free(block);
    void *next = test_hide(malloc(64));
    CHECK(next == block);
    free(test_hide(block));
    return 0;
}
