// expect: tidemalloc: free(0x*): pointer not from this allocator
// tests/misuse/foreign_protected.c - memory that may not even be read: the check does not fault.
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/support/test.h"

int main(void) {
    char *area = mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    free(test_hide(area + 4096));
    return 0;
}
