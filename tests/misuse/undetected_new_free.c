// tests/misuse/undetected_new_free.c - new and free, malloc and delete[]: the family is noted only
// in hardened processes and between guard pages.
#include <stdlib.h>

#include "tests/support/test.h"

void *_Znwm(size_t bytes);
void *_Znam(size_t bytes);
void  _ZdaPv(void *block);

int main(void) {
    free(test_hide(_Znwm(64)));
    free(test_hide(_Znam(200 * 1000)));
    _ZdaPv(test_hide(malloc(64)));
    return 0;
}
