// expect: tidemalloc: free(0x*): pointer not from this allocator
// tests/misuse/foreign_faked.c - a global variable dressed as a block of libc.
#include <stdlib.h>

#include "tests/support/test.h"

static struct {
    size_t before, size;  // as libc keeps them in front of a block
    char   bytes[112];
    size_t next_before, next_size;
} fake = {0, 129, {0}, 0, 129};

int main(void) {
    free(test_hide(fake.bytes));
    return 0;
}
