// tests/process/thread_tiny_stack.c - a thread with the smallest legal stack uses the whole family.
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/support/test.h"

enum { THREADS = 20 };

static void *use_family(void *arg) {
    for (size_t size = 1; size < 8 << 20; size = size * 5 / 2 + 1) {
        char *block = malloc(size);
        CHECK(block != NULL);
        block[size - 1] = 1;
        block = realloc(block, size * 3);
        CHECK(block != NULL && block[size - 1] == 1);
        CHECK(malloc_usable_size(block) >= size * 3);
        free(block);
        block = calloc(size, 2);
        CHECK(block != NULL && block[size] == 0);
        free(block);
        for (size_t align = 32; align <= 1 << 20; align *= 32) {
            block = aligned_alloc(align, size);
            CHECK(block != NULL && test_aligned(block, align));
            free(block);
        }
    }
    static char *blocks[5000];
    for (size_t i = 0; i < 5000; i++)
        CHECK((blocks[i] = malloc(i % 500)) != NULL);
    for (size_t i = 0; i < 5000; i++)
        free(blocks[i]);
    malloc_trim(0);
    CHECK(mallinfo2().arena > 0);
    return arg;
}

// One at a time: the blocks array is shared on purpose, the stack has no room for it.
int main(void) {
    test_watchdog(30);
    test_need_tide();
    pthread_attr_t attributes;
    CHECK_EQ(pthread_attr_init(&attributes), 0);
    CHECK_EQ(pthread_attr_setstacksize(&attributes, (size_t)sysconf(_SC_THREAD_STACK_MIN)), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, &attributes, use_family, NULL), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
    }
    CHECK_EQ(pthread_attr_destroy(&attributes), 0);
    return 0;
}
