// expect: tidemalloc: realloc(0x*): memory that is free already: a 64-byte block
// tests/misuse/realloc_just_freed.c - realloc of the small block that was freed last, to a size for
// which it would stay where it is: the next malloc would get it, too.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    void *block = test_hide(malloc(64));
    free(block);
    void *resized = test_hide(realloc(test_hide(block), 60));
    return test_hide(malloc(64)) == resized;
}
