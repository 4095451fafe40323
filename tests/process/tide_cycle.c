// tests/process/tide_cycle.c - buffers of sixteen sizes from 100 KB to 40 MiB come and go, one
// after the other: in the long run without page faults; when they stay away, their memory goes too.
#include <stdlib.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"
#include "tests/support/tide.h"

enum { SIZES = 16, WARM = 30, CYCLES = 100, MAPPINGS_MAX = 1000 };

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
    tide_cycles(cycle, WARM, CYCLES);
    dprintf(STDOUT_FILENO, "%zu mappings\n", proc_map_count());
    CHECK_LE(proc_map_count(), MAPPINGS_MAX);
    tide_gone(base);
    return 0;
}
