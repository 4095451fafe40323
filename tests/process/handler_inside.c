// tests/process/handler_inside.c - signal handlers that allocate although their thread is inside
// malloc or free: none hangs, what they get is theirs alone, and the thread goes on as if nothing
// had been.
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/test.h"
#include "tidemalloc.h"

enum { STORM_MS = 1500, SIGNAL_US = 200, LIVE = 64, HANDLED = 42, GIFT = 100000 };

static uint64_t emergency_blocks;

static void find(const char *name, uint64_t value, const char *unit, void *data) {
    (void)unit;
    if (strcmp(name, data) == 0)
        emergency_blocks = value;
}

static uint64_t count_emergency_blocks(void) {
    static char name[] = "emergency_blocks";
    emergency_blocks = UINT64_MAX;
    tide_stats(find, name);
    CHECK(emergency_blocks != UINT64_MAX);
    return emergency_blocks;
}

// --- a crash handler -----------------------------------------------------------------------------

static char *of_the_thread;

// The child is inside as its parent is.
static void check_child_of_handler(void) {
    int   status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        char *block = calloc(1, 5000);
        CHECK(block != NULL && test_is_byte(block, 5000, 0));
        free(block);
        _exit(HANDLED);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == HANDLED);
}

// All that allocates, with what it promises, and what was there before.
static void on_abort(int number) {
    signal(number, SIG_DFL);
    char *block = malloc(100), *zero = calloc(10, 1000), *page = aligned_alloc(4096, 4096);
    CHECK(block != NULL && zero != NULL && page != NULL);
    CHECK(test_is_byte(zero, 10000, 0) && (uintptr_t)page % 4096 == 0);
    test_fill(block, 100, 1);
    block = realloc(block, 100000);
    CHECK(block != NULL && test_is_filled(block, 100, 1));
    CHECK(malloc_usable_size(block) >= 100000);
    block = realloc(block, 100);
    CHECK(block != NULL && test_is_filled(block, 100, 1));
    of_the_thread = realloc(of_the_thread, 3000);
    CHECK(of_the_thread != NULL && test_is_filled(of_the_thread, 2000, 2));
    CHECK(malloc_trim(0) == 0);
    free(block);
    free(page);
    free(of_the_thread);
    errno = 0;
    CHECK(malloc((size_t)1 << 40) == NULL && errno == ENOMEM);
    CHECK(tide_heap_new() == NULL);
    CHECK(tide_owns(zero) && mallinfo2().arena > 0);
    FILE *nowhere = fopen("/dev/null", "w");
    CHECK(nowhere != NULL && malloc_info(0, nowhere) == 0);
    fclose(nowhere);
    CHECK(count_emergency_blocks() > 0);
    free(zero);
    check_child_of_handler();
    exit(HANDLED);  // with its report and its last look
}

// The bin finds the second free of a block when the cache is drained, under its lock.
static void crash(void) {
    char *twice = malloc(64), *other = malloc(64);
    CHECK(signal(SIGABRT, on_abort) != SIG_ERR);
    CHECK((of_the_thread = malloc(2000)) != NULL);
    test_fill(of_the_thread, 2000, 2);
    free(twice);
    free(other);
    free(test_hide(twice));
    malloc_trim(0);
    test_fail(__FILE__, __LINE__, "the second free was not found");
}

static void test_crash(void) {
    int   status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        tide_option_set("stats", "text");
        crash();
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == HANDLED);
}

// --- a storm -------------------------------------------------------------------------------------

static volatile sig_atomic_t signals, refused;
static uint64_t              handler_random = 7;
static void *volatile        gift;  // of the program to the handler, which frees it

// From 16 bytes to 64 KiB, rarely to 4 MiB.
static size_t some_size(uint64_t *random) {
    unsigned shift = (unsigned)(test_random(random) % (test_random(random) % 64 == 0 ? 18 : 12));
    return ((size_t)16 << shift) + test_random(random) % 16;
}

static void on_tick(int number) {
    int    before = errno;
    size_t first = some_size(&handler_random) % 2000 + 1, second = first * 2;
    (void)number;
    signals = signals + 1;
    char *block = malloc(first), *more;
    if (block != NULL) {
        test_fill(block, first, first);
        more = realloc(block, second);
        block = more ? more : block;
        CHECK(test_is_filled(block, first, first));
        free(block);
    }
    if (block == NULL || more == NULL)
        refused = refused + 1;
    free(gift);
    gift = NULL;
    errno = before;
}

static void churn(void **blocks, size_t *sizes, uint64_t *random) {
    size_t i = test_random(random) % LIVE;
    if (blocks[i] != NULL) {
        CHECK(test_is_filled(blocks[i], sizes[i], i));
        free(blocks[i]);
    }
    bool zero = test_random(random) % 2;
    sizes[i] = some_size(random);
    blocks[i] = zero ? calloc(1, sizes[i]) : malloc(sizes[i]);
    CHECK(blocks[i] != NULL && (!zero || test_is_byte(blocks[i], sizes[i], 0)));
    test_fill(blocks[i], sizes[i], i);
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static timer_t start_ticks(void) {
    struct sigevent   event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec every = {{0, SIGNAL_US * 1000}, {0, SIGNAL_US * 1000}};
    timer_t           timer;
    CHECK(signal(SIGUSR1, on_tick) != SIG_ERR);
    CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    CHECK_EQ(timer_settime(timer, 0, &every, NULL), 0);
    return timer;
}

// Without a cache: of what a fast path has in hand no handler can know.
static void storm(void) {
    static void  *blocks[LIVE];
    static size_t sizes[LIVE];
    uint64_t      random = 1, end = now_ms() + STORM_MS;
    timer_t       timer = start_ticks();
    while (now_ms() < end)
        for (unsigned i = 0; i < 100; i++) {
            churn(blocks, sizes, &random);
            free(test_hide(malloc(GIFT)));
            if (gift == NULL)
                gift = malloc(GIFT);
        }
    CHECK_EQ(timer_delete(timer), 0);
    for (unsigned i = 0; i < LIVE; i++) {
        CHECK(blocks[i] == NULL || test_is_filled(blocks[i], sizes[i], i));
        free(blocks[i]);
    }
    malloc_trim(0);
    printf("%d signals, %lu emergency blocks, %d refused\n", (int)signals,
           (unsigned long)count_emergency_blocks(), (int)refused);
    CHECK(count_emergency_blocks() > 0);
}

int main(int argc, char **argv) {
    test_watchdog(60);
    test_need_tide();
    if (argc > 1) {
        storm();
        return 0;
    }
    test_crash();
    setenv("TIDE_CACHE", "off", 1);
    execl("/proc/self/exe", argv[0], "storm", NULL);
    test_fail(__FILE__, __LINE__, "cannot execute itself");
}
