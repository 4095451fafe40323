// report: tidemalloc: operator delete(0x*): allocated by operator new[]: a 64-byte block
// events: allocated, operator delete
// tests/misuse/guarded_array_delete.c - with TIDE_GUARD=1/1: new[] and delete.
#include <stdlib.h>

#include "tests/support/test.h"

void *_Znwm(size_t bytes);
void *_Znam(size_t bytes);
void  _ZdlPv(void *block);

int main(void) {
    _ZdlPv(test_hide(_Znwm(60)));
    _ZdlPv(test_hide(_Znam(64)));
    return 0;
}
