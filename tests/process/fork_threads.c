// tests/process/fork_threads.c - several threads fork at the same time, and so do their children.
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { THREADS = 4, FORKS = 12, CHILD_SECONDS = 30 };

static void use_heap(uint64_t random, int rounds) {
    for (int i = 0; i < rounds; i++) {
        size_t size = (size_t)(test_random(&random) % 50000) + 1;
        char  *block = malloc(size);
        CHECK(block != NULL);
        block[size - 1] = 1;
        free(block);
    }
}

static void check_child(pid_t pid) {
    int status = 0;
    CHECK(pid >= 0);
    CHECK(proc_wait(pid, CHILD_SECONDS, &status));
    CHECK_EQ(status, 0);
}

// The child has one thread and forks again: the grandchild starts from a child's heap.
static void child(uint64_t seed) {
    use_heap(seed, 100);
    pid_t grandchild = fork();
    if (grandchild == 0) {
        use_heap(seed, 100);
        _exit(0);
    }
    check_child(grandchild);
    use_heap(seed, 100);
    _exit(0);
}

static void *fork_and_allocate(void *arg) {
    uint64_t seed = (uintptr_t)arg;
    for (int i = 0; i < FORKS; i++) {
        use_heap(seed + (uint64_t)i, 500);
        pid_t pid = fork();
        if (pid == 0)
            child(seed);
        use_heap(seed, 500);
        check_child(pid);
    }
    return NULL;
}

int main(void) {
    test_watchdog(90);
    test_need_tide();
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, fork_and_allocate, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    return 0;
}
