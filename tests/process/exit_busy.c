// tests/process/exit_busy.c - the program ends while other threads take, free and resize: the look
// at blocks that nobody frees never calls a canary broken that comes, goes or moves.
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/test.h"
#include "tidemalloc.h"

enum { CHILDREN = 60, THREADS = 4, BLOCKS = 64, KEPT = 20000 };

static const size_t sizes[] = {24, 100, 500, 3000, 20000, 100000};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static uint32_t running;  // threads that have gone round once

// A resize that stays in place is one by less than half.
static void use(void **place, struct tide_heap *heap, uint64_t value) {
    size_t bytes = sizes[value % SIZES];
    if (value >> 8 & 1) {
        *place = test_hide(realloc(*place, bytes - value % (bytes / 3)));
    } else {
        free(*place);
        *place = test_hide(malloc(bytes));
    }
    if (value >> 9 & 1)
        tide_heap_free(heap, tide_heap_malloc(heap, bytes));
}

static void *work(void *argument) {
    uint64_t          seed = (uintptr_t)argument, round = 0;
    void             *blocks[BLOCKS] = {NULL};
    struct tide_heap *heap = tide_heap_new();
    for (;; round++) {
        for (unsigned i = 0; i < BLOCKS; i++)
            use(&blocks[test_random(&seed) % BLOCKS], heap, test_random(&seed));
        if (round % 8 == 7) {
            tide_heap_destroy(heap);
            heap = tide_heap_new();
        }
        if (round == 0)
            __atomic_add_fetch(&running, 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

// Enough that the look takes a while.
static void keep_many(void) {
    for (unsigned i = 0; i < KEPT; i++)
        CHECK(test_hide(malloc(sizes[i % 4])) != NULL);
}

static void run_child(unsigned number) {
    pthread_t thread;
    keep_many();
    for (uintptr_t i = 1; i <= THREADS; i++)
        CHECK(pthread_create(&thread, NULL, work, (void *)(number * 100 + i)) == 0);
    while (__atomic_load_n(&running, __ATOMIC_ACQUIRE) < THREADS)
        usleep(100);
    exit(0);
}

int main(void) {
    for (unsigned i = 0; i < CHILDREN; i++) {
        int   status;
        pid_t child = fork();
        if (child == 0)
            run_child(i);
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        CHECK_EQ(status, 0);
    }
    return 0;
}
