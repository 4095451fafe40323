// tests/process/park_end.c - threads end, and processes fork, while trims take caches.
#include <malloc.h>

#include "tests/support/park.h"

enum { TRIMMERS = 2, STARTERS = 2, GENERATIONS = 300, FORKS = 60, BLOCKS = 100 };

static bool     over;
static unsigned forked;

static void use_memory(uint64_t random) {
    void *blocks[BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++) {
        size_t size = 16 + test_random(&random) % 2000;
        blocks[i] = malloc(size);
        CHECK(blocks[i] != NULL);
        test_fill(blocks[i], size / 8 * 8, i);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        CHECK(test_is_filled(blocks[i], 16, i));
        free(blocks[i]);
    }
}

static void *live_shortly(void *argument) {
    use_memory((uintptr_t)argument + 1);
    if ((uintptr_t)argument % 3 == 0)
        usleep(100);
    use_memory((uintptr_t)argument + 2);
    return NULL;
}

static void *start_threads(void *argument) {
    for (uintptr_t i = 0; i < GENERATIONS; i++) {
        pthread_t threads[4];
        for (uintptr_t k = 0; k < 4; k++)
            CHECK_EQ(pthread_create(&threads[k], NULL, live_shortly, (void *)(i * 4 + k)), 0);
        for (unsigned k = 0; k < 4; k++)
            pthread_join(threads[k], NULL);
    }
    return argument;
}

static void *trim_always(void *argument) {
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED))
        malloc_trim(0);
    return argument;
}

// The child trims too: the threads of the parent are not there, whatever their numbers are now.
static void fork_once(void) {
    int   status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        pthread_t thread;
        use_memory(1);
        malloc_trim(0);
        CHECK_EQ(pthread_create(&thread, NULL, live_shortly, NULL), 0);
        malloc_trim(0);
        pthread_join(thread, NULL);
        use_memory(2);
        _exit(0);
    }
    CHECK(proc_wait(child, 60, &status));
    CHECK_EQ(status, 0);
    forked++;
}

int main(void) {
    pthread_t trimmers[TRIMMERS], starters[STARTERS];
    test_watchdog(120);
    test_need_tide();
    for (unsigned i = 0; i < TRIMMERS; i++)
        CHECK_EQ(pthread_create(&trimmers[i], NULL, trim_always, NULL), 0);
    for (unsigned i = 0; i < STARTERS; i++)
        CHECK_EQ(pthread_create(&starters[i], NULL, start_threads, NULL), 0);
    for (unsigned i = 0; i < FORKS; i++)
        fork_once();
    for (unsigned i = 0; i < STARTERS; i++)
        pthread_join(starters[i], NULL);
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < TRIMMERS; i++)
        pthread_join(trimmers[i], NULL);
    CHECK_EQ(forked, FORKS);
    CHECK_EQ(park_figure("threads"), 1);
    return 0;
}
