// expect: tidemalloc: operator delete(0x*): allocated by malloc: a 60-byte block (80-byte class)
// tests/misuse/hardened_malloc_delete.c - malloc and delete.
#include <stdlib.h>

#include "tests/support/test.h"

void *_Znwm(size_t bytes);
void  _ZdlPv(void *block);

int main(void) {
    _ZdlPv(test_hide(_Znwm(60)));
    _ZdlPv(test_hide(malloc(60)));
    return 0;
}
