// tests/process/tide_buffers.c - buffers of 2, 15 and 40 MiB come and go: while they do, without a
// page fault; when they stay away, their memory goes too.
#include <stdlib.h>

#include "tests/support/test.h"
#include "tests/support/tide.h"

enum { WARM = 20, CYCLES = 200, TRAFFIC_MS = 2000 };

static void cycle(void) {
    static const size_t sizes[] = {2, 15, 40};
    for (unsigned i = 0; i < 3; i++)
        free(tide_block(sizes[i] * TIDE_MIB));
}

int main(void) {
    test_watchdog(120);
    test_need_tide();
    size_t base = tide_rss();
    for (unsigned i = 0; i < WARM; i++)
        cycle();
    size_t before = tide_faults();
    for (unsigned i = 0; i < CYCLES; i++)
        cycle();
    size_t more = tide_faults() - before;
    tide_show("cycling", tide_rss(), base, 0);
    dprintf(STDOUT_FILENO, "%zu page faults in %d cycles\n", more, CYCLES);
    CHECK_LE(more, CYCLES / 2);
    tide_light_traffic(TIDE_TOGETHER, TRAFFIC_MS);
    size_t rss = tide_rss();
    tide_show("after light traffic", rss, base, 0);
    CHECK_LE(rss, base + (size_t)32 * TIDE_MIB);
    return 0;
}
