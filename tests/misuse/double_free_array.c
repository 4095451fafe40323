// expect: tidemalloc: operator delete[](0x*): memory that is free already
// tests/misuse/double_free_array.c - delete[] twice of a large array.
#include <stdlib.h>

#include "tests/support/test.h"

void *_Znam(size_t bytes);
void  _ZdaPv(void *block);

int main(void) {
    void *block = test_hide(_Znam(300 * 1000));
    _ZdaPv(block);
    _ZdaPv(test_hide(block));
    return 0;
}
