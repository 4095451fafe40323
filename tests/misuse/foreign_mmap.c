// expect: tidemalloc: free(0x*): pointer not from this allocator
// tests/misuse/foreign_mmap.c - memory that the program mapped itself, far from ours.
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/support/test.h"

int main(void) {
    char *area = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    free(malloc(100));
    free(test_hide(area + 65536));
    return 0;
}
