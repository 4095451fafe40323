// tests/process/tide_large.c - blocks of 1 to 9 MiB: what is freed is gone at once.
#include "tests/support/test.h"
#include "tests/support/tide.h"

#define BURST_BYTES ((size_t)512 * TIDE_MIB)

int main(void) {
    struct tide_load load;
    test_watchdog(60);
    test_need_tide();
    tide_load_init(&load, 1024);
    size_t base = tide_rss();
    while (load.live < BURST_BYTES)
        tide_load_add(&load, TIDE_MIB + test_random(&load.random) % ((size_t)8 * TIDE_MIB));
    tide_show("filled", tide_rss(), base, load.live);
    for (size_t i = 0; i < load.count; i++)
        tide_load_free(&load, i);
    size_t rss = tide_rss();
    tide_show("after the last free", rss, base, 0);
    CHECK_LE(rss, base + (size_t)32 * TIDE_MIB);
    return 0;
}
