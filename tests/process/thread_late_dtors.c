// tests/process/thread_late_dtors.c - destructors of thread_local objects and C11 tss use the heap.
//
// A C++ compiler registers the destructor of a thread_local object with __cxa_thread_atexit_impl;
// so does this program. The main thread has such objects too: theirs run at exit.
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <threads.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { THREADS = 300, OBJECTS = 12, MIB = 1 << 20 };

extern int   __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *dso);
extern void *__dso_handle;

static int   destroyed;
static tss_t storage;

static void destroy_object(void *object) {
    CHECK(test_is_filled(object, 200, 5));
    free(object);
    char *block = malloc(5000);
    CHECK(block != NULL);
    block = realloc(block, 100 * 1000);
    CHECK(block != NULL);
    free(block);
    __atomic_add_fetch(&destroyed, 1, __ATOMIC_RELAXED);
}

static void *make_object(void) {
    char *object = malloc(200);
    CHECK(object != NULL);
    test_fill(object, 200, 5);
    return object;
}

static void make_thread_locals(void) {
    for (int i = 0; i < OBJECTS; i++)
        CHECK_EQ(__cxa_thread_atexit_impl(destroy_object, make_object(), &__dso_handle), 0);
    CHECK_EQ(tss_set(storage, make_object()), thrd_success);
}

static int thread_main(void *arg) {
    (void)arg;
    make_thread_locals();
    return 7;
}

static void run_threads(int count) {
    for (int i = 0; i < count; i++) {
        thrd_t thread;
        int    result = 0;
        CHECK_EQ(thrd_create(&thread, thread_main, NULL), thrd_success);
        CHECK_EQ(thrd_join(thread, &result), thrd_success);
        CHECK_EQ(result, 7);
    }
}

// Runs after the main thread's objects are gone; exit status 0 is all that is left to say.
static void at_the_end(void) {
    if (destroyed != (20 + THREADS) * (OBJECTS + 1) + OBJECTS)
        _exit(98);
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    CHECK_EQ(atexit(at_the_end), 0);
    CHECK_EQ(tss_create(&storage, destroy_object), thrd_success);
    run_threads(20);
    malloc_trim(0);
    size_t base = proc_rss_anonymous();
    run_threads(THREADS);
    malloc_trim(0);
    CHECK_LE(proc_rss_anonymous(), base + 2 * MIB);
    CHECK_EQ(destroyed, (20 + THREADS) * (OBJECTS + 1));
    make_thread_locals();
    return 0;
}
