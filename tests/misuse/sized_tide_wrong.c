// expect: tidemalloc: tide_free_sized(0x*, 1): size does not match the 64-byte block
// tests/misuse/sized_tide_wrong.c - tide_free_sized with a size of another class.
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"
#include "tidemalloc.h"

int main(void) {
    tide_free_sized(test_hide(malloc(64)), 1);
    _exit(0);  // no look at the end
}
