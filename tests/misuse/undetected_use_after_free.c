// tests/misuse/undetected_use_after_free.c - a write into a free block: free slots hold nothing of
// ours.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(64));
    free(block);
    *(char *)test_hide(block) = 1;
    free(test_hide(malloc(64)));
    return 0;
}
