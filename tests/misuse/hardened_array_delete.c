// expect: tidemalloc: operator delete(0x*): allocated by operator new[]: a 60-byte block
//       (80-byte class)
// tests/misuse/hardened_array_delete.c - new[] and delete.
#include <stdlib.h>

#include "tests/support/test.h"

void *_Znwm(size_t bytes);
void *_Znam(size_t bytes);
void  _ZdlPv(void *block);

int main(void) {
    _ZdlPv(test_hide(_Znwm(60)));
    _ZdlPv(test_hide(_Znam(60)));
    return 0;
}
