// report: tidemalloc: free(0x*): memory was written 0 bytes after the end of the 60-byte block
// events: allocated, free
// tests/misuse/guarded_overflow_slack.c - with TIDE_GUARD=1/1: one byte over, before the end of
// the page: found when the block is freed.
#include <stdlib.h>

#include "tests/support/test.h"

int main(void) {
    char *block = test_hide(malloc(60));
    block[60] = 0;
    free(block);
    return 0;
}
