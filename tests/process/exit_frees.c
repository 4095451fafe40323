// tests/process/exit_frees.c - exit handlers, destructors and running threads use the heap at exit.
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { HANDLERS = 20, THREADS = 3, ROUNDS = 20 };

static char *kept[HANDLERS];
static int   handler_count;

// Frees what main left, allocates anew, leaves the next handler something.
static void handler(void) {
    int mine = handler_count++;
    CHECK(test_is_filled(kept[mine], 1000, (uint64_t)mine));
    free(kept[mine]);
    for (size_t size = 10; size < 3 << 20; size *= 7) {
        char *block = calloc(1, size);
        CHECK(block != NULL);
        free(realloc(block, 2 * size));
    }
}

// Runs after the exit handlers, when libraries are being torn down.
__attribute__((destructor)) static void last(void) {
    void *block = malloc(100 * 1000);
    if (block == NULL)
        _exit(99);
    free(block);
    free(malloc(10));
}

static void *allocate_for_ever(void *arg) {
    uint64_t random = (uintptr_t)arg;
    for (;;)
        free(malloc(test_random(&random) % 60000));
    return NULL;
}

static void leave_by(void (*way)(int)) {
    for (int i = 0; i < HANDLERS; i++) {
        kept[i] = malloc(1000);
        CHECK(kept[i] != NULL);
        test_fill(kept[i], 1000, (uint64_t)i);
        CHECK_EQ(way == exit ? atexit(handler) : at_quick_exit(handler), 0);
    }
    for (uintptr_t i = 0; i < THREADS; i++) {
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, allocate_for_ever, (void *)i), 0);
    }
    way(42);
}

static void check_way(void (*way)(int)) {
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        leave_by(way);
    int status = 0;
    CHECK(proc_wait(pid, 20, &status));
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 42);
}

int main(void) {
    test_watchdog(100);
    test_need_tide();
    for (int i = 0; i < ROUNDS; i++) {
        check_way(exit);
        check_way(quick_exit);
    }
    return 0;
}
