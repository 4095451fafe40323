// tests/misuse/undetected_array_delete.c - new[] and delete.
#include <stdlib.h>

#include "tests/support/test.h"

void *_Znam(size_t bytes);
void  _ZdlPv(void *block);

int main(void) {
    _ZdlPv(test_hide(_Znam(64)));
    return 0;
}
