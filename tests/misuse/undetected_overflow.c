// tests/misuse/undetected_overflow.c - one byte over, into the slack of the class and beyond: no
// canary by default.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(60)), *next = test_hide(malloc(60));
    block[60] = 1;
    block[64] = 1;
    free(next);
    free(block);
    return 0;
}
