// report: tidemalloc: realloc(0x*): allocated by operator new: a 64-byte block
// events: allocated, realloc
// tests/misuse/guarded_new_realloc.c - with TIDE_GUARD=1/1: new and realloc to the same size.
#include <stdlib.h>

#include "tests/support/test.h"

void *_Znwm(size_t bytes);

int main(void) {
    free(realloc(test_hide(_Znwm(64)), 64));
    return 0;
}
