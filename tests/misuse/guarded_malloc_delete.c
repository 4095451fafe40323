// report: tidemalloc: operator delete[](0x*): allocated by malloc: a 64-byte block
// events: allocated, operator delete[]
// tests/misuse/guarded_malloc_delete.c - with TIDE_GUARD=1/1: malloc and delete[].
#include <stdlib.h>

#include "tests/support/test.h"

void *_Znwm(size_t bytes);
void  _ZdlPv(void *block);
void  _ZdaPv(void *block);

int main(void) {
    _ZdlPv(test_hide(_Znwm(64)));
    _ZdaPv(test_hide(malloc(64)));
    return 0;
}
