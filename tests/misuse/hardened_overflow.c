// expect: tidemalloc: free(0x*): written
//       behind the end of the 100-byte block (112-byte class): byte 100
// tests/misuse/hardened_overflow.c - one byte behind the end, a zero, as a
// string copied by its length makes it.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(100));
    block[100] = 0;
    free(block);
    return 0;
}
