// tests/process/limit_soft.c - TIDE_SOFT_LIMIT: with 80 MiB live and 200 MiB that come and go the
// RSS stays at the limit of 100 MiB, for blocks of every kind; and what lies free inside slabs is
// given back, too. What threads that sleep once cached does not count: it goes first.
#include <malloc.h>

#include "tests/support/park.h"

enum { MIB = 1 << 20, BLOCKS_MAX = 1 << 20 };
enum { PARKED = 64 };
#define RSS_MOST ((size_t)115 * MIB)

static void  *live[BLOCKS_MAX], *churn[BLOCKS_MAX];
static size_t highest;

// Nor are the threads that park, their stacks above all.
static size_t stacks;

// The arrays of this test are not the heap's; they are resident from the start.
static size_t rss_now(void) {
    return proc_rss() - sizeof live - sizeof churn - stacks;
}

static void look(void) {
    size_t rss = rss_now();
    if (rss > highest)
        highest = rss;
    CHECK_LE(rss, RSS_MOST);
}

static void *make(size_t bytes) {
    void *block = malloc(bytes);
    CHECK(block != NULL);
    return memset(block, 1, bytes);
}

// Sizes shift from round to round, so that what one leaves free does not fit the next.
static void churn_round(size_t bytes, unsigned round) {
    size_t   sum = 0;
    unsigned count = 0;
    for (; sum < 16 * MIB; sum += bytes + round * bytes / 8)
        churn[count++] = make(bytes + round * bytes / 8);
    look();
    while (count > 0)
        free(churn[--count]);
    look();
}

// 80 MiB of one size live, then 13 rounds of 16 MiB.
static void run(size_t live_bytes, size_t churn_bytes) {
    size_t count = (size_t)80 * MIB / live_bytes;
    for (size_t i = 0; i < count; i++)
        live[i] = make(live_bytes);
    for (unsigned round = 0; round < 13; round++)
        churn_round(churn_bytes, round);
    for (size_t i = 0; i < count; i++)
        free(live[i]);
    look();
}

// 140 MiB in small blocks, of which one in eight stays: above the limit the pages between them go
// without a trim, with the first large block that comes or goes a second later.
static void test_holes(void) {
    enum { BYTES = 1000 };
    size_t count = (size_t)140 * MIB / 1024;
    for (size_t i = 0; i < count; i++)
        live[i] = make(BYTES);
    for (size_t i = 0; i < count; i++)
        if (i % 8 != 0)
            free(live[i]);
    sleep(1);
    usleep(100000);
    free(malloc(100000));
    size_t rss = rss_now();
    CHECK_LE(rss, RSS_MOST);
    printf("holes: %zu MiB\n", rss / MIB);
    for (size_t i = 0; i < count; i += 8)
        free(live[i]);
}

static struct park_thread threads[PARKED];

// What test_holes left free would go meanwhile, and make the stacks seem less than they are.
static void park_threads(void) {
    malloc_trim(0);
    size_t before = rss_now();
    park_start(threads, PARKED, park_warm);
    stacks = rss_now() - before;
    for (unsigned i = 0; i < PARKED; i++)
        park_turn(&threads[i], 0);
    park_all_asleep(threads, PARKED);
    printf("%d threads park: %zd MiB more\n", PARKED, (ssize_t)(rss_now() - before) / MIB);
}

int main(int argc, char **argv) {
    (void)argc;
    test_watchdog(120);
    test_need_tide();
    if (proc_env("TIDE_SOFT_LIMIT")[0] == '\0') {
        setenv("TIDE_SOFT_LIMIT", "100M", 1);
        execv(proc_self(), argv);
        return 1;
    }
    memset(live, 1, sizeof live);
    memset(churn, 1, sizeof churn);
    static const size_t sizes[][2] = {{200, 200},          {4000, 300},       {300, 20000},
                                      {100000, 100000},    {500000, 3 * MIB}, {2 * MIB, 4000},
                                      {2 * MIB, 1500000}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        highest = 0;
        run(sizes[i][0], sizes[i][1]);
        printf("live %zu, churn %zu: at most %zu MiB\n", sizes[i][0], sizes[i][1], highest / MIB);
    }
    test_holes();
    park_threads();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        highest = 0;
        run(sizes[i][0], sizes[i][1]);
        printf("with them, live %zu, churn %zu: at most %zu MiB\n", sizes[i][0], sizes[i][1],
               highest / MIB);
    }
    return 0;
}
