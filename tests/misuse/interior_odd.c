// expect: tidemalloc: free(0x*): pointer into the middle of a 64-byte block (starts at 0x*)
// tests/misuse/interior_odd.c - one byte behind the start: no block of any size begins there.
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(64));
    free(test_hide(block + 1));
    _exit(0);  // no look at the end
}
