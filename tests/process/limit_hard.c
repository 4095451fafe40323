// tests/process/limit_hard.c - TIDE_HARD_LIMIT: NULL and ENOMEM at 100 MiB, whatever the sizes and
// however many threads; the process lives, and has memory again after frees. A share is one of
// what the machine or the cgroup has.
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/park.h"
#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { MIB = 1 << 20, BLOCKS_MAX = 4 << 20, THREADS = 4 };
#define LIMIT ((size_t)100 * MIB)
#define LEAST (LIMIT / 100 * 95)
#define MOST (LIMIT / 100 * 105)

static void *blocks[BLOCKS_MAX];

// The array is not the heap's; it is resident from the start.
static size_t rss_now(void) {
    return proc_rss_anonymous() - sizeof blocks;
}

// As many blocks as there are; their bytes.
static size_t fill_by(bool zeroed, void **out, size_t capacity, size_t bytes, size_t *count) {
    size_t sum = 0;
    for (*count = 0; *count < capacity; ++*count) {
        errno = 0;
        void *block = zeroed ? calloc(1, bytes) : malloc(bytes);
        if (block == NULL)
            break;
        sum += malloc_usable_size(memset(block, 1, bytes));
        out[*count] = block;
    }
    CHECK(*count < capacity);
    CHECK_EQ(errno, ENOMEM);
    return sum;
}

static size_t fill(void **out, size_t capacity, size_t bytes, size_t *count) {
    return fill_by(false, out, capacity, bytes, count);
}

static void drop(void **in, size_t count) {
    while (count > 0)
        free(in[--count]);
}

// Filled, emptied and filled again: the second time as much as the first. A block more than is left
// for may be missing at the end. What counts is what is resident: pages behind a block's end that
// an earlier one touched are.
static void test_size(size_t bytes) {
    for (unsigned round = 0; round < 2; round++) {
        size_t count, sum = fill(blocks, BLOCKS_MAX, bytes, &count);
        size_t rss = rss_now();
        printf("%zu: %zu KiB in blocks, %zu KiB resident\n", bytes, sum / 1024, rss / 1024);
        CHECK_LE(rss, MOST);
        CHECK_LE(LEAST, rss + bytes);
        // The place of a hardened process's large block stays unreadable when it is freed: records
        // and the page map grow with each new one, and count.
        if (getenv("TIDE_HARDENED") && bytes > 65536)
            free(blocks[--count]);
        // Free slots are used again at the limit, one by one.
        for (size_t i = 0; i < count; i += 7) {
            free(blocks[i]);
            blocks[i] = malloc(bytes);
            CHECK(blocks[i] != NULL);
        }
        void *grown = realloc(blocks[0], 8 * (size_t)MIB + bytes);
        CHECK(grown == NULL && errno == ENOMEM);
        drop(blocks, count);
    }
}

// calloc has ways of its own.
static void test_zeroed(size_t bytes) {
    size_t count;
    fill_by(true, blocks, BLOCKS_MAX, bytes, &count);
    size_t rss = rss_now();
    CHECK_LE(rss, MOST);
    CHECK_LE(LEAST, rss + bytes);
    free(blocks[--count]);
    blocks[count] = calloc(1, bytes);
    CHECK(blocks[count] != NULL);
    drop(blocks, count + 1);
}

// What others gave up serves other sizes.
static void test_shift(void) {
    static const size_t sizes[] = {64, 3 * MIB, 1000, 200000, 32};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t count;
        fill(blocks, BLOCKS_MAX, sizes[i], &count);
        CHECK_LE(LEAST, rss_now() + sizes[i]);
        drop(blocks, count);
    }
}

// Many threads at once pass the limit no more than one does.
static void *fill_in_thread(void *argument) {
    size_t count, index = (size_t)argument, share = BLOCKS_MAX / THREADS;
    static const size_t sizes[THREADS] = {50000, 100, 5 * MIB, 2000};
    fill(blocks + index * share, share, sizes[index], &count);
    return (void *)count;
}

static void test_threads(void) {
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, fill_in_thread, (void *)i), 0);
    void *counts[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], &counts[i]), 0);
    size_t rss = rss_now();
    printf("%d threads: %zu KiB resident\n", THREADS, rss / 1024);
    CHECK_LE(rss, MOST);
    CHECK_LE(LEAST - 5 * MIB, rss);
    for (size_t i = 0; i < THREADS; i++)
        drop(blocks + i * (BLOCKS_MAX / THREADS), (size_t)counts[i]);
}

// What threads that sleep once cached is memory to be had, too.
enum { PARKED = 32 };

static void test_parked(void) {
    static struct park_thread threads[PARKED];
    park_start(threads, PARKED, park_warm);
    for (unsigned i = 0; i < PARKED; i++)
        park_turn(&threads[i], 0);
    park_all_asleep(threads, PARKED);
    size_t count, sum = fill(blocks, BLOCKS_MAX, 4000, &count);
    printf("%d threads park: %zu KiB in blocks\n", PARKED, sum / 1024);
    CHECK_LE(LEAST, sum);
    drop(blocks, count);
}

// Two threads whose blocks fit one at a time: never both. What fits together is refused to neither:
// only who is in the middle of a call may stand in the way, for a moment.
enum { ROUNDS = 10000 };
static unsigned       live_blocks, both;
static const size_t   alone[2] = {60 * MIB, 60 * MIB}, together[2] = {60 * MIB, 2 * MIB};
static _Atomic size_t refused;

static void *cycle_in_thread(void *argument) {
    for (size_t i = 0; i < ROUNDS; i++) {
        void *block = malloc(*(const size_t *)argument);
        if (block == NULL) {
            refused++;
            continue;
        }
        both += __atomic_add_fetch(&live_blocks, 1, __ATOMIC_SEQ_CST) > 1;
        __atomic_sub_fetch(&live_blocks, 1, __ATOMIC_SEQ_CST);
        free(block);
    }
    return NULL;
}

static void cycle(const size_t sizes[2]) {
    pthread_t thread;
    refused = both = 0;
    CHECK_EQ(pthread_create(&thread, NULL, cycle_in_thread, (void *)&sizes[0]), 0);
    cycle_in_thread((void *)&sizes[1]);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void test_races(void) {
    cycle(alone);
    CHECK_EQ(both, 0);
    cycle(together);
    printf("%zu of %d refused that fit\n", (size_t)refused, 2 * ROUNDS);
    CHECK_LE(refused, 2 * ROUNDS / 500);
}

// Nothing is touched: what counts is what may be. A cgroup can only make it less.
static int child_share(void) {
    size_t most = (size_t)sysconf(_SC_PHYS_PAGES) / 100 * (size_t)sysconf(_SC_PAGESIZE);
    size_t count = 0;
    while (count < BLOCKS_MAX && malloc(MIB) != NULL)
        count++;
    CHECK(count > 0);
    CHECK_LE(count * MIB, most);
    return 0;
}

static void test_share(void) {
    static struct proc_result result;
    static const char *const  drop[] = {"TIDE_", NULL};
    static const char *const  extra[] = {"TIDE_HARD_LIMIT=1%", NULL};
    const char               *argv[] = {proc_self(), "--share", NULL};
    proc_run(argv, proc_environment(drop, extra), 60, &result);
    if (result.status != 0 || result.signal != 0)
        test_fail(__FILE__, __LINE__, result.err);
}

int main(int argc, char **argv) {
    test_watchdog(400);
    test_need_tide();
    if (argc > 1)
        return child_share();
    if (proc_env("TIDE_HARD_LIMIT")[0] == '\0') {
        setenv("TIDE_HARD_LIMIT", "100M", 1);
        execv(proc_self(), argv);
        return 1;
    }
    memset(blocks, 1, sizeof blocks);
    CHECK(malloc(LIMIT + 1) == NULL && errno == ENOMEM);
    test_size(48);
    test_size(1000);
    test_size(40000);
    test_size(100000);
    test_size(MIB + 1);
    test_zeroed(100);
    test_zeroed(40000);
    test_zeroed(MIB);
    test_shift();
    test_threads();
    if (proc_env("TIDE_HARDENED")[0] == '\0')  // which has no caches
        test_parked();
    test_races();
    test_share();
    return 0;
}
