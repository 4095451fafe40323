// tests/process/thread_churn.c - 2000 threads are born and die; their objects outlive them.
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { BIRTHS = 2000, AT_ONCE = 8, OBJECTS = 30, MIB = 1 << 20 };

struct legacy {  // what a thread leaves behind
    char  *object[OBJECTS];
    size_t size[OBJECTS];
};

static void check_and_free(struct legacy *legacy, uint64_t seed) {
    for (int i = 0; i < OBJECTS; i++) {
        CHECK(test_is_filled(legacy->object[i], legacy->size[i], seed + (uint64_t)i));
        free(legacy->object[i]);
    }
    free(legacy);
}

// Makes its objects, and many more that die with it or before it.
static void *live_and_die(void *arg) {
    uint64_t       seed = (uintptr_t)arg, random = seed;
    struct legacy *legacy = calloc(1, sizeof *legacy);
    CHECK(legacy != NULL);
    for (int i = 0; i < OBJECTS; i++) {
        size_t limit = i == 0 ? 200 * 1000 : 2000;
        legacy->size[i] = (size_t)(test_random(&random) % limit) + 1;
        legacy->object[i] = malloc(legacy->size[i]);
        CHECK(legacy->object[i] != NULL);
        test_fill(legacy->object[i], legacy->size[i], seed + (uint64_t)i);
        free(malloc((size_t)(test_random(&random) % 5000)));
    }
    return legacy;
}

static void generation(uintptr_t first) {
    static struct legacy *legacies[AT_ONCE];
    pthread_t             threads[AT_ONCE];
    for (uintptr_t i = 0; i < AT_ONCE; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, live_and_die, (void *)(first + i)), 0);
    for (uintptr_t i = 0; i < AT_ONCE; i++) {
        void *result = NULL;
        CHECK_EQ(pthread_join(threads[i], &result), 0);
        legacies[i] = result;
    }
    for (uintptr_t i = 0; i < AT_ONCE; i++)
        check_and_free(legacies[i], first + i);
}

// What is resident when nothing is free any more.
static size_t rss_after_trim(void) {
    malloc_trim(0);
    return proc_rss_anonymous();
}

// Dead threads leave no cache behind: what 2000 of them held at most comes to far more.
int main(void) {
    test_watchdog(60);
    test_need_tide();
    for (uintptr_t i = 0; i < 10 * AT_ONCE; i += AT_ONCE)
        generation(i + 1);
    size_t base = rss_after_trim();
    for (uintptr_t i = 0; i < BIRTHS; i += AT_ONCE)
        generation(i + 1);
    CHECK_LE(rss_after_trim(), base + 4 * MIB);
    return 0;
}
