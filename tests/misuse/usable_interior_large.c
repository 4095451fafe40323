// expect: tidemalloc: malloc_usable_size(0x*): pointer into the middle of a
//       200704-byte block (large, starts at 0x*)
// tests/misuse/usable_interior_large.c - usable size of the second page of a large block.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    size_t bytes = malloc_usable_size(test_hide((char *)test_hide(malloc(200 * 1000)) + 4096));
    CHECK(bytes != bytes + 1);
    return 0;
}
