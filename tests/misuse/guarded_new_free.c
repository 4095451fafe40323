// report: tidemalloc: free(0x*): allocated by operator new: a 64-byte block
// events: allocated, free
// tests/misuse/guarded_new_free.c - with TIDE_GUARD=1/1: new and free.
#include <stdlib.h>

#include "tests/support/test.h"

void *_Znwm(size_t bytes);

int main(void) {
    free(test_hide(_Znwm(64)));
    return 0;
}
