// expect: tidemalloc: free(0x*): pointer not from this allocator
// tests/misuse/foreign_sbrk.c - a region of the data segment that the program took itself.
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"

int main(void) {
    free(malloc(100));
    char *region = sbrk(300 * 1000);
    memset(region, 0, 300 * 1000);
    free(test_hide(region + 150 * 1000));
    return 0;
}
