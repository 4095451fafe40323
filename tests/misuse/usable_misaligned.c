// expect: tidemalloc: malloc_usable_size(0x*): pointer into the middle of a 64-byte block (starts
//       at 0x*)
// tests/misuse/usable_misaligned.c - usable size of a pointer one byte behind the start of a block.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    size_t bytes = malloc_usable_size(test_hide((char *)test_hide(malloc(64)) + 1));
    CHECK(bytes != bytes + 1);
    return 0;
}
