// tests/process/tide_buffers.c - buffers of 2, 15 and 40 MiB come and go: while they do, without a
// page fault; when they stay away, their memory goes too.
#include <stdlib.h>

#include "tests/support/test.h"
#include "tests/support/tide.h"

enum { WARM = 20, CYCLES = 200 };

static void cycle(void) {
    static const size_t sizes[] = {2, 15, 40};
    for (unsigned i = 0; i < 3; i++)
        free(tide_block(sizes[i] * TIDE_MIB));
}

int main(void) {
    test_watchdog(120);
    test_need_tide();
    size_t base = tide_rss();
    tide_cycles(cycle, WARM, CYCLES);
    tide_show("cycling", tide_rss(), base, 0);
    tide_gone(base);
    return 0;
}
