// tests/process/contract_errno.c - free and its siblings keep errno for every kind of block.
#include <errno.h>
#include <pthread.h>

#include "tests/support/test.h"
// last: renames the malloc family in sanitizer builds
#include "tests/support/names.h"

enum { MARK = 4711, MANY = 3000 };

static const size_t sizes[] = {0,          1,          100,     4000,    32768,    32769,
                               100 * 1000, 900 * 1000, 1 << 20, 5 << 20, 70 << 20, 300u << 20};
enum { SIZE_COUNT = sizeof sizes / sizeof *sizes };

static void free_marked(void *block) {
    errno = MARK;
    free(block);
    CHECK_EQ(errno, MARK);
}

static void test_each_kind(void) {
    free_marked(NULL);
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        char *block = malloc(sizes[i]);
        CHECK(block != NULL);
        if (sizes[i] != 0)
            block[sizes[i] - 1] = 1;
        free_marked(block);
        free_marked(calloc(1, sizes[i]));
        free_marked(aligned_alloc(4096, sizes[i]));
        free_marked(aligned_alloc(2 << 20, sizes[i]));
    }
}

static void test_each_function(void) {
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        errno = MARK;
        free_sized(malloc(sizes[i]), sizes[i]);
        CHECK_EQ(errno, MARK);
        free_aligned_sized(aligned_alloc(64, sizes[i]), 64, sizes[i]);
        CHECK_EQ(errno, MARK);
        void *block = malloc(sizes[i]);
        CHECK(malloc_usable_size(block) >= sizes[i]);
        CHECK_EQ(errno, MARK);
        CHECK(realloc(block, 0) == NULL);
        CHECK_EQ(errno, MARK);
        cfree(malloc(sizes[i]));
        CHECK_EQ(errno, MARK);
    }
}

// Many frees in a row overflow the cache: the flush, the bins and the purge keep errno too.
static void test_flushes(size_t size) {
    static void *blocks[MANY];
    for (size_t i = 0; i < MANY; i++)
        CHECK((blocks[i] = malloc(size)) != NULL);
    for (size_t i = 0; i < MANY; i++)
        free_marked(blocks[i]);
}

// The first call of a thread may be a free: building what the thread needs keeps errno as well.
static void *free_first(void *block) {
    free_marked(block);
    return NULL;
}

static void test_foreign_thread(void) {
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, free_first, malloc(sizes[i])), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
    }
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    test_each_kind();
    test_each_function();
    test_flushes(16);
    test_flushes(1000);
    test_flushes(20 * 1000);
    test_flushes(40 * 1000);
    test_foreign_thread();
    return 0;
}
