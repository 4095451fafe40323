// expect: tidemalloc: free(0x*): pointer into the middle of a 64-byte block (starts at 0x*)
// tests/misuse/interior_ending.c - the middle of a small block, and the program ends.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(64));
    free(test_hide(block + 32));
    return 0;
}
