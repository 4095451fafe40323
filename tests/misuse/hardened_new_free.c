// expect: tidemalloc: free(0x*): allocated by operator new: a 60-byte block (80-byte class)
// tests/misuse/hardened_new_free.c - new and free.
#include <stdlib.h>

#include "tests/support/test.h"

void *_Znwm(size_t bytes);

int main(void) {
    free(test_hide(_Znwm(60)));
    return 0;
}
