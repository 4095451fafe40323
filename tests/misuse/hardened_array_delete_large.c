// expect: tidemalloc: operator delete(0x*): allocated by operator new[]: a 200000-byte block (huge)
// tests/misuse/hardened_array_delete_large.c - new[] of a large block, and delete.
#include <stdlib.h>

#include "tests/support/test.h"

void *_Znwm(size_t bytes);
void *_Znam(size_t bytes);
void  _ZdlPv(void *block);

int main(void) {
    _ZdlPv(test_hide(_Znwm(60)));
    _ZdlPv(test_hide(_Znam(200 * 1000)));
    return 0;
}
