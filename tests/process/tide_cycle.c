// tests/process/tide_cycle.c - buffers of sixteen sizes from 100 KB to 40 MiB come and go, one
// after the other: in the long run without page faults; when they stay away, their memory goes too.
#include <stdlib.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"
#include "tests/support/tide.h"

enum { SIZES = 16, WARM = 30, CYCLES = 100, TRAFFIC_MS = 2000, MAPPINGS_MAX = 1000 };

static void cycle(void) {
    size_t bytes = 100 * 1000;
    for (unsigned i = 0; i + 1 < SIZES; i++, bytes = bytes / 1000 * 1495)
        free(tide_block(bytes));
    free(tide_block((size_t)40 * TIDE_MIB));
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
    dprintf(STDOUT_FILENO, "%zu page faults in %d cycles, %zu mappings\n", more, CYCLES,
            proc_map_count());
    CHECK_LE(more, CYCLES / 2);
    CHECK_LE(proc_map_count(), MAPPINGS_MAX);
    tide_light_traffic(TIDE_TOGETHER, TRAFFIC_MS);
    size_t rss = tide_rss();
    tide_show("after light traffic", rss, base, 0);
    CHECK_LE(rss, base + (size_t)32 * TIDE_MIB);
    return 0;
}
