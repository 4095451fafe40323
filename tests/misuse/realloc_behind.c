// expect: tidemalloc: realloc(0x*): pointer behind the last 48-byte block of a slab
// tests/misuse/realloc_behind.c - realloc of where a slab's next block would be, had it room.
#include <stdint.h>
#include <stdlib.h>

#include "tests/support/test.h"

enum { BYTES = 48, SLAB = 1 << 16 };

int main(void) {
    char *block = test_hide(malloc(BYTES));
    char *slab = (char *)((uintptr_t)block & ~(uintptr_t)(SLAB - 1));
    return realloc(test_hide(slab + SLAB / BYTES * BYTES), BYTES) == NULL;
}
