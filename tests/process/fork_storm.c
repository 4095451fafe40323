// tests/process/fork_storm.c - fork while threads allocate: no child hangs, none crashes.
//
// fork_storm: 10 storms of 20 children; fork_storm --long: 20 storms of 100. Four threads are
// busy, and with TIDE_BACKGROUND=1 the maintenance thread is, too.
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { THREADS = 4, SLOTS = 256, CHILDREN_MAX = 100, CHILD_SECONDS = 120 };

static _Atomic(char *) slots[SLOTS];
static atomic_bool     stop;

static size_t random_size(uint64_t *random) {
    uint64_t kind = test_random(random) % 100;
    size_t   limit = kind < 80 ? 2000 : kind < 95 ? 60 * 1000 : 3 << 20;
    return (size_t)(test_random(random) % limit) + 1;
}

// Exchanges blocks through the slots: half of the frees are of another thread's block.
static void *allocate(void *arg) {
    uint64_t random = (uintptr_t)arg;
    while (!atomic_load(&stop)) {
        size_t size = random_size(&random);
        char  *block = malloc(size);
        CHECK(block != NULL);
        block[0] = block[size - 1] = 1;
        free(atomic_exchange(&slots[test_random(&random) % SLOTS], block));
        if (test_random(&random) % 20000 == 0)
            malloc_trim(0);
    }
    return NULL;
}

static void *child_thread(void *arg) {
    for (size_t size = 1; size < 4 << 20; size *= 3) {
        char *block = calloc(1, size);
        CHECK(block != NULL && block[size - 1] == 0);
        free(block);
    }
    return arg;
}

// Everything a child may want: new blocks, the parent's blocks, a thread, a trim.
static void child_work(uint64_t random) {
    for (int i = 0; i < 300; i++) {
        size_t size = random_size(&random);
        char  *block = malloc(size);
        CHECK(block != NULL);
        block[0] = block[size - 1] = 1;
        free(atomic_exchange(&slots[test_random(&random) % SLOTS], block));
    }
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, child_thread, NULL), 0);
    child_thread(NULL);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    malloc_trim(0);
    for (int i = 0; i < SLOTS; i++)
        free(atomic_exchange(&slots[i], NULL));
    malloc_trim(0);
    child_thread(NULL);
}

static unsigned storm(unsigned children, uint64_t seed) {
    static pid_t pids[CHILDREN_MAX];
    unsigned     failed = 0;
    for (unsigned i = 0; i < children; i++) {
        pids[i] = fork();
        CHECK(pids[i] >= 0);
        if (pids[i] == 0) {
            child_work(seed + i);
            _exit(0);
        }
    }
    unsigned hung = proc_wait_all(pids, children, CHILD_SECONDS, &failed);
    CHECK_EQ(failed, 0);
    return hung;
}

int main(int argc, char **argv) {
    bool     is_long = argc > 1 && strcmp(argv[1], "--long") == 0;
    unsigned storms = is_long ? 20 : 10, children = is_long ? CHILDREN_MAX : 20, hung = 0;
    test_watchdog(is_long ? 3500 : 380);
    test_need_tide();
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, allocate, (void *)(i + 1)), 0);
    for (unsigned i = 0; i < storms; i++)
        hung += storm(children, i * 1000);
    CHECK_EQ(hung, 0);
    if (strcmp(proc_env("TIDE_BACKGROUND"), "1") == 0)
        CHECK_EQ(proc_thread_count(), THREADS + 2);
    printf("%u children forked, none hung, none crashed\n", storms * children);
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    return 0;
}
