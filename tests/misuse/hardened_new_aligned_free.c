// expect: tidemalloc: free(0x*): allocated by operator new: a 60-byte block (128-byte class)
// tests/misuse/hardened_new_aligned_free.c - aligned new and free.
#include <stdlib.h>

#include "tests/support/test.h"

void *_Znwm(size_t bytes);
void *_ZnwmSt11align_val_t(size_t bytes, size_t alignment);
void  _ZdlPv(void *block);

int main(void) {
    _ZdlPv(test_hide(_Znwm(60)));
    free(test_hide(_ZnwmSt11align_val_t(60, 128)));
    return 0;
}
