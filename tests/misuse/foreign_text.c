// expect: tidemalloc: free(0x*): pointer not from this allocator
// tests/misuse/foreign_text.c - a string in the program file.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    const char *text = "a text that nobody allocated";
    free(test_hide((void *)(uintptr_t)text));
    return 0;
}
