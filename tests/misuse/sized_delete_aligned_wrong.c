// expect: tidemalloc: operator delete(0x*, 4000): size does not match the 64-byte block
// tests/misuse/sized_delete_aligned_wrong.c - aligned delete with the wrong size.
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"

void _ZdlPvmSt11align_val_t(void *block, size_t size, size_t alignment);

int main(void) {
    _ZdlPvmSt11align_val_t(test_hide(aligned_alloc(64, 64)), 4000, 64);
    _exit(0);  // no look at the end
}
