// tests/process/tide_burst.c - a burst of one thread leaves the process small at its last free: no
// further call, no pause, no thread.
#include "tests/support/test.h"
#include "tests/support/tide.h"

#define BURST_BYTES ((size_t)512 * TIDE_MIB)

int main(void) {
    struct tide_load load;
    test_watchdog(120);
    test_need_tide();
    tide_load_init(&load, 1 << 18);
    size_t base = tide_rss();
    while (load.live < BURST_BYTES)
        tide_load_add(&load, tide_mixed_size(&load.random));
    tide_show("filled", tide_rss(), base, load.live);
    for (size_t i = 0; i < load.count; i++)
        tide_load_free(&load, i);
    size_t rss = tide_rss();
    tide_show("after the last free", rss, base, 0);
    CHECK_LE(rss, base + (size_t)32 * TIDE_MIB);
    return 0;
}
