// expect: tidemalloc: operator delete(0x*, 500): size does not match the 1024-byte block
// tests/misuse/sized_delete_near.c - delete with half of the size.
#include <stdlib.h>

#include "tests/support/test.h"

void *_Znwm(size_t bytes);
void  _ZdlPvm(void *block, size_t size);

int main(void) {
    _ZdlPvm(test_hide(_Znwm(1000)), 500);
    return 0;
}
