// tests/process/leaks.c - a small program for the tools of others: valgrind, sanitizers.
//
// Without an argument it is right; --leak leaves one block of 1234 bytes behind, --overflow writes
// a byte behind one, --race writes from two threads.
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "tests/support/test.h"

static volatile int shared;  // so that no compiler leaves the writes out

// Both at a time, many times: one write a thread may be too far apart for a sanitizer to remember.
// Relaxed: what would order the writes would hide the race.
static void race(void) {
    static unsigned here;
    __atomic_fetch_add(&here, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&here, __ATOMIC_RELAXED) < 2)
        sched_yield();
    for (unsigned i = 0; i < 10000; i++)
        shared++;
}

static void *use_all(void *argument) {
    for (unsigned i = 0; i < 100; i++) {
        char *block = test_hide(malloc(1 + 100 * i)), *more = test_hide(calloc(1 + i, 10));
        CHECK(block && more && test_is_byte(more, 10 + 10 * i, 0));
        test_fill(block, 1 + 100 * i, i);
        block = realloc(block, 1 + 200 * i);
        CHECK(test_is_filled(block, 1 + 100 * i, i));
        free(more);
        free(block);
        free(test_hide(aligned_alloc(64, 64)));
    }
    if (argument)
        race();
    return NULL;
}

int main(int argc, char **argv) {
    const char *mistake = argc > 1 ? argv[1] : "";
    bool        races = strcmp(mistake, "--race") == 0;
    pthread_t   threads[2];
    for (unsigned i = 0; i < 2; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, use_all, races ? (void *)&shared : NULL), 0);
    for (unsigned i = 0; i < 2; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    if (strcmp(mistake, "--leak") == 0) {
        char *volatile block = malloc(1234);
        CHECK(block != NULL);
        block = NULL;
    }
    if (strcmp(mistake, "--overflow") == 0) {
        char *block = test_hide(malloc(40));
        block[test_hide_size(40)] = 1;
        free(block);
    }
    return 0;
}
