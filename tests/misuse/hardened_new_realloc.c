// expect: tidemalloc: realloc(0x*): allocated by operator new: a 60-byte block (80-byte class)
// tests/misuse/hardened_new_realloc.c - new and realloc.
#include <stdlib.h>

#include "tests/support/test.h"

void *_Znwm(size_t bytes);

int main(void) {
    free(realloc(test_hide(_Znwm(60)), 70));
    return 0;
}
