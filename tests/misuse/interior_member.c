// expect: tidemalloc: operator delete(0x*): pointer into the middle of a 112-byte block (starts
//       at 0x*)
// tests/misuse/interior_member.c - the second word of an object, to sized delete: at once.
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"

void _ZdlPvm(void *block, size_t size);

int main(void) {
    char *block = test_hide(malloc(100));
    _ZdlPvm(test_hide(block + 8), 100);
    _exit(0);  // no look at the end
}
