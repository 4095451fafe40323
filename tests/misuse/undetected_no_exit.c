// tests/misuse/undetected_no_exit.c - a double free before _exit: nobody looks.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *a = test_hide(malloc(64)), *b = test_hide(malloc(64));
    free(a);
    free(b);
    free(test_hide(a));
    _exit(0);
    return 0;
}
