// tests/process/park_many.c - a thousand threads that worked once and sleep hold little; after a
// trim nothing; and the budget of all caches is kept.
#include <malloc.h>

#include "tests/support/park.h"

enum { THREADS = 1000, BLOCKS = 200 };

static struct park_thread threads[THREADS];

static void work(struct park_thread *self, int step) {
    static void *blocks[BLOCKS];  // one thread at a time
    uint64_t     random = self->index * 977u + (unsigned)step + 1;
    for (unsigned i = 0; i < BLOCKS; i++) {
        size_t size = park_size(&random);
        blocks[i] = malloc(size);
        CHECK(blocks[i] != NULL);
        memset(blocks[i], 1, size);
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

static void all_work(int step) {
    for (unsigned i = 0; i < THREADS; i++)
        park_turn(&threads[i], step);
    park_all_asleep(threads, THREADS);
}

static void check_parked(size_t base, int step) {
    all_work(step);
    CHECK_LE(proc_rss(), base + 16 * PARK_MIB);
    CHECK_EQ(park_figure("threads"), THREADS + 1);
    malloc_trim(0);
    CHECK_EQ(park_figure("threads"), 1);
    CHECK_EQ(park_figure("cached_bytes"), 0);
    CHECK_LE(proc_rss(), base + 4 * PARK_MIB);
}

int main(void) {
    test_watchdog(120);
    test_need_tide();
    park_start(threads, THREADS, work);
    malloc_trim(0);
    size_t base = proc_rss();
    check_parked(base, 0);
    check_parked(base, 1);  // they get caches again
    CHECK(tide_option_set("cache_total", "1M") == 0);
    all_work(2);
    CHECK_LE(park_figure("cached_bytes"), 2 * PARK_MIB);
    park_end(threads, THREADS);
    return 0;
}
