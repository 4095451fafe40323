// tests/process/tide_partial.c - 700,000 blocks of 150 B; six times a random third is deleted and
// what was live is filled up with other sizes. Hardly a page of the first blocks becomes free as a
// whole, and slabs are of one size: the bound says what that costs, not what would be good.
#include "tests/support/test.h"
#include "tests/support/tide.h"

enum { BLOCKS = 700000, BLOCK_BYTES = 150, ROUNDS = 6 };

static size_t round_size(struct tide_load *load, unsigned round) {
    return round == 0 ? 250 : 64 + test_random(&load->random) % (1024 - 64 + 1);
}

int main(void) {
    struct tide_load load;
    size_t           worst = 0;
    test_watchdog(120);
    test_need_tide();
    tide_load_init(&load, 2 * BLOCKS);
    size_t base = tide_rss();
    while (load.count < BLOCKS)
        tide_load_add(&load, BLOCK_BYTES);
    size_t full = load.live;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < load.count; i++)
            if (test_random(&load.random) % 3 == 0)
                tide_load_free(&load, i);
        tide_load_pack(&load);
        while (load.live < full)
            tide_load_add(&load, round_size(&load, round));
        size_t rss = tide_rss() - base;
        tide_show("filled up", rss + base, base, load.live);
        worst = rss * 100 / load.live > worst ? rss * 100 / load.live : worst;
    }
    CHECK_LE(worst, 250);
    return 0;
}
