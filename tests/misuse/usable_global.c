// expect: tidemalloc: malloc_usable_size(0x*): pointer not from this allocator
// tests/misuse/usable_global.c - usable size of an array of the program.
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

static char global[100];

int main(void) {
    size_t bytes = malloc_usable_size(test_hide(global));
    CHECK(bytes != bytes + 1);
    return 0;
}
