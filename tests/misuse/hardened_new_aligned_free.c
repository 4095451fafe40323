// expect: tidemalloc: free(0x*): allocated by operator new: a 60-byte block (128-byte class)
// tests/misuse/hardened_new_aligned_free.c - aligned new and free.
#include <stdlib.h>

#include "tests/support/test.h"

void *_ZnwmSt11align_val_t(size_t bytes, size_t alignment);

int main(void) {
    free(test_hide(_ZnwmSt11align_val_t(60, 128)));
    return 0;
}
