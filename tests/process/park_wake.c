// tests/process/park_wake.c - threads that sleep in all kinds of system calls and wake while trims
// take their caches: no block is handed out twice, and what stands in a block stays.
#include <malloc.h>
#include <poll.h>
#include <sys/epoll.h>
#include <time.h>

#include "tests/support/park.h"

enum { THREADS = 8, TRIMS = 2000, LIVE = 64, WAYS = 5 };

static int             pipes[2], epoll;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  never = PTHREAD_COND_INITIALIZER;
static bool            over;

static void wait_for_condition(uint64_t ns) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)ns;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&mutex);
    pthread_cond_timedwait(&never, &mutex, &until);
    pthread_mutex_unlock(&mutex);
}

static void sleep_somehow(unsigned way, uint64_t ns) {
    struct timespec    time = {0, (long)ns};
    struct epoll_event event;
    struct pollfd      wanted = {.fd = pipes[0], .events = POLLIN};
    char               byte;
    if (way == 0)
        nanosleep(&time, NULL);
    else if (way == 1)
        wait_for_condition(ns);
    else if (way == 2)
        ppoll(&wanted, 1, &time, NULL);
    else if (way == 3)
        epoll_wait(epoll, &event, 1, 1);
    else if (write(pipes[1], "", 1) == 1)
        CHECK(read(pipes[0], &byte, 1) == 1);
}

struct block {
    void    *start;
    size_t   size;
    uint64_t seed;
};

static void replace(struct block *block, uint64_t *random) {
    if (block->start) {
        CHECK(test_is_filled(block->start, block->size, block->seed));
        free(block->start);
    }
    block->size = (1 + test_random(random) % 250) * 8;
    block->seed = test_random(random);
    block->start = malloc(block->size);
    CHECK(block->start != NULL);
    test_fill(block->start, block->size, block->seed);
}

static void *work(void *argument) {
    struct block blocks[LIVE] = {{0}};
    uint64_t     random = (uintptr_t)argument + 1;
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
        for (unsigned i = test_random(&random) % 200; i > 0; i--)
            replace(&blocks[test_random(&random) % LIVE], &random);
        sleep_somehow(test_random(&random) % WAYS, test_random(&random) % 300000);
    }
    for (unsigned i = 0; i < LIVE; i++)
        free(blocks[i].start);
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    unsigned  without = 0;
    test_watchdog(120);
    test_need_tide();
    CHECK_EQ(pipe(pipes), 0);
    epoll = epoll_create1(0);
    CHECK(epoll >= 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, work, (void *)i), 0);
    for (unsigned i = 0; i < TRIMS; i++) {
        malloc_trim(0);
        without += park_figure("threads") < THREADS + 1;
    }
    CHECK(without > TRIMS / 10);  // else nothing was taken
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(park_figure("threads"), 1);
    return 0;
}
