// tests/process/background_parked.c - TIDE_BACKGROUND=1: threads that worked and sleep for ever
// lose their caches though nobody calls; and a program that uses large blocks only gets its thread.
#include "tests/support/park.h"

enum { THREADS = 8, BLOCKS = 2000, ROUNDS = 8, LARGE = 60 };

static struct park_thread threads[THREADS];

// Refills and flushes take turns, so that the caches grow.
static void work(struct park_thread *self, int step) {
    static void *blocks[BLOCKS];  // one thread at a time
    uint64_t     random = self->index * 977u + (unsigned)step + 1;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < BLOCKS; i++) {
            size_t size = 16 + test_random(&random) % 4000;
            blocks[i] = malloc(size);
            CHECK(blocks[i] != NULL);
            memset(blocks[i], 1, size);
        }
        for (unsigned i = 0; i < BLOCKS; i++)
            free(blocks[i]);
    }
}

// Half a minute at most. Who reads the figures runs: the main thread keeps its cache, if it has
// one.
static void expect_no_caches(size_t base) {
    for (unsigned i = 0; i < 300 && park_figure("threads") > 1; i++)
        usleep(100000);
    CHECK_LE(park_figure("threads"), 1);
    for (unsigned i = 0; i < 300 && proc_rss() > base + 4 * PARK_MIB; i++)
        usleep(100000);
    CHECK_LE(proc_rss(), base + 4 * PARK_MIB);
}

static void all_work(int step) {
    for (unsigned i = 0; i < THREADS; i++)
        park_turn(&threads[i], step);
}

static int child_small(void) {
    park_start(threads, THREADS, work);
    size_t base = proc_rss();
    for (int step = 0; step < 2; step++) {
        all_work(step);
        CHECK_LE(THREADS, park_figure("threads"));
        CHECK_LE(PARK_MIB, park_figure("cached_bytes"));
        expect_no_caches(base);
    }
    park_end(threads, THREADS);
    return 0;
}

static int child_large(void) {
    static void *blocks[LARGE];
    size_t       base = proc_rss();
    CHECK_EQ(proc_thread_count(), 1);
    for (unsigned i = 0; i < LARGE; i++) {
        CHECK((blocks[i] = malloc(200 << 10)) != NULL);
        memset(blocks[i], 1, 200 << 10);
    }
    CHECK_EQ(proc_thread_count(), 2);
    for (unsigned i = 0; i < LARGE; i++)
        free(blocks[i]);
    for (unsigned i = 0; i < 300 && proc_rss() > base + 4 * PARK_MIB; i++)
        usleep(100000);
    CHECK_LE(proc_rss(), base + 4 * PARK_MIB);
    return 0;
}

int main(int argc, char **argv) {
    static struct proc_result result;
    static const char *const  drop[] = {"TIDE_", NULL};
    const char               *extra[] = {"TIDE_BACKGROUND=1", NULL};
    const char               *modes[] = {"small", "large"};
    test_watchdog(150);
    test_need_tide();
    if (argc > 1)
        return strcmp(argv[1], "small") == 0 ? child_small() : child_large();
    for (unsigned i = 0; i < 2; i++) {
        const char *arguments[] = {proc_self(), modes[i], NULL};
        proc_run(arguments, proc_environment(drop, extra), 120, &result);
        if (result.hung || result.signal || result.status)
            test_fail(__FILE__, __LINE__, result.err);
    }
    return 0;
}
