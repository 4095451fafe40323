// tests/misuse/undetected_aligned_delete.c - aligned delete with another alignment: only a size is
// verified.
#include <stdlib.h>

#include "tests/support/test.h"

void _ZdlPvSt11align_val_t(void *block, size_t alignment);

int main(void) {
    _ZdlPvSt11align_val_t(test_hide(malloc(64)), 1024);
    return 0;
}
