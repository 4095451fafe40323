// tests/misuse/undetected_sized_left.c - free_sized with a size between half of the block and
// all of it, after realloc left another block of the class where it was.
#include <stdlib.h>

#include "tests/support/test.h"

void free_sized(void *block, size_t size);

int main(void) {
    free(realloc(test_hide(malloc(64)), 40));
    free_sized(test_hide(malloc(64)), 40);
    return 0;
}
