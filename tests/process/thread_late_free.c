// tests/process/thread_late_free.c - key destructors free and allocate after our thread-exit hook.
//
// Keys are made before the first block of the program and after it, so that their destructors run
// before and after the library's own; each comes back for several rounds.
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { KEYS = 40, THREADS = 300, MIB = 1 << 20 };

struct value {
    char *block;
    int   key;
    int   rounds;  // how often the destructor ran for it
};

static pthread_key_t keys[KEYS];
static int           last_rounds[KEYS];

static void use_heap(void) {
    for (size_t size = 8; size < 300 * 1000; size *= 4) {
        char *block = malloc(size);
        CHECK(block != NULL);
        block[size - 1] = 1;
        free(realloc(block, size + size / 2));
    }
}

// Frees the value and sets a fresh one: the next round meets memory of a thread without a cache.
static void destroy_value(void *arg) {
    struct value *old = arg;
    CHECK(test_is_filled(old->block, 300, (uint64_t)old->key));
    last_rounds[old->key] = old->rounds;
    use_heap();
    if (old->rounds + 1 < PTHREAD_DESTRUCTOR_ITERATIONS) {
        struct value *next = malloc(sizeof *next);
        CHECK(next != NULL);
        *next = (struct value){malloc(300), old->key, old->rounds + 1};
        CHECK(next->block != NULL);
        test_fill(next->block, 300, (uint64_t)next->key);
        CHECK_EQ(pthread_setspecific(keys[next->key], next), 0);
    }
    free(old->block);
    free(old);
}

static void make_keys(int first, int count) {
    for (int i = first; i < first + count; i++)
        CHECK_EQ(pthread_key_create(&keys[i], destroy_value), 0);
}

// libc's own per-thread leftovers are freed after all keys: strerror's buffer, dlerror's text.
static void make_libc_leftovers(void) {
    CHECK(strerror(98765) != NULL);
}

static void *thread_main(void *arg) {
    for (int i = 0; i < KEYS; i++) {
        struct value *value = malloc(sizeof *value);
        CHECK(value != NULL);
        *value = (struct value){malloc(300), i, 0};
        CHECK(value->block != NULL);
        test_fill(value->block, 300, (uint64_t)i);
        CHECK_EQ(pthread_setspecific(keys[i], value), 0);
    }
    use_heap();
    make_libc_leftovers();
    return arg;
}

static void make_early_keys(int argc, char **argv, char **env) {
    (void)argc;
    (void)argv;
    (void)env;
    make_keys(0, KEYS / 2);
}

__attribute__((section(".preinit_array"),
               used)) static void (*const entry)(int, char **, char **) = make_early_keys;

static void run_threads(int count) {
    for (int i = 0; i < count; i++) {
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, thread_main, NULL), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
    }
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    free(malloc(1));
    make_keys(KEYS / 2, KEYS / 2);
    run_threads(20);
    for (int i = 0; i < KEYS; i++)
        CHECK_EQ(last_rounds[i], PTHREAD_DESTRUCTOR_ITERATIONS - 1);
    malloc_trim(0);
    size_t base = proc_rss_anonymous();
    run_threads(THREADS);
    malloc_trim(0);
    CHECK_LE(proc_rss_anonymous(), base + 2 * MIB);
    return 0;
}
