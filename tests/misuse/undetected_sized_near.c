// tests/misuse/undetected_sized_near.c - free_sized with another size of the same class,
// of the same last page.
#include <stdlib.h>

#include "tests/support/test.h"

void free_sized(void *block, size_t size);

int main(void) {
    free_sized(test_hide(malloc(64)), 50);
    free_sized(test_hide(malloc(300 * 1000)), 303 * 1000);
    return 0;
}
