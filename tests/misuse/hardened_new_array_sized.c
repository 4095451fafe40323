// expect: tidemalloc: operator delete[](0x*): allocated by operator new: a 60-byte block
//       (80-byte class)
// tests/misuse/hardened_new_array_sized.c - new and a sized delete[].
#include <stdlib.h>

#include "tests/support/test.h"

void *_Znwm(size_t bytes);
void  _ZdaPvm(void *block, size_t bytes);

int main(void) {
    _ZdaPvm(test_hide(_Znwm(60)), 60);
    return 0;
}
