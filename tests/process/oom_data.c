// tests/process/oom_data.c - RLIMIT_DATA refuses brk and writable mappings; it comes and goes.
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { MIB = 1 << 20, COUNT = 100 * 1000, THREADS = 4 };

static char             *blocks[COUNT];
static pthread_barrier_t all_there;

static void limit_data(size_t bytes) {
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_DATA, &limit), 0);
    limit.rlim_cur = bytes;
    CHECK_EQ(setrlimit(RLIMIT_DATA, &limit), 0);
}

// How many blocks there are until NULL; ENOMEM then.
static size_t allocate_to_the_end(size_t size, size_t most) {
    size_t count = 0;
    while (count < most) {
        errno = 0;
        blocks[count] = malloc(size);
        if (blocks[count] == NULL) {
            CHECK_EQ(errno, ENOMEM);
            break;
        }
        memset(blocks[count], (int)count, size);
        count++;
    }
    return count;
}

static void check_and_free(size_t count, size_t size) {
    for (size_t i = 0; i < count; i++) {
        CHECK(test_is_byte(blocks[i], size, (unsigned char)i));
        free(blocks[i]);
    }
}

// The end comes, and after the frees about as much fits again.
static void test_end(size_t size) {
    size_t first = allocate_to_the_end(size, COUNT);
    CHECK(first > 0 && first < COUNT);
    check_and_free(first, size);
    size_t second = allocate_to_the_end(size, COUNT);
    CHECK_LE(first * 9 / 10, second);
    check_and_free(second, size);
}

// Memory held when the limit falls below it stays usable; nothing new beyond what is free.
static void test_sudden_limit(void) {
    size_t count = allocate_to_the_end(1000, 20 * 1000);
    CHECK_EQ(count, 20 * 1000);
    limit_data(4096);
    errno = 0;
    CHECK(malloc(200 * MIB) == NULL);  // more than was ever ours: no free memory serves it
    CHECK_EQ(errno, ENOMEM);
    for (size_t i = 0; i < count; i += 2) {
        free(blocks[i]);
        blocks[i] = malloc(1000);
        CHECK(blocks[i] != NULL);
        memset(blocks[i], (int)i, 1000);
    }
    limit_data((size_t)RLIM_INFINITY);
    void *block = malloc(30 * MIB);
    CHECK(block != NULL);
    free(block);
    check_and_free(count, 1000);
}

// Threads run out together, and what they free serves the others.
static void *thread_main(void *arg) {
    struct link {
        struct link *next;
    };
    pthread_barrier_wait(&all_there);  // stacks count too
    for (int round = 0; round < 4; round++) {
        struct link *list = NULL, *block;
        for (size_t size = 40; (block = malloc(size)) != NULL; size = size % 40000 * 3 / 2 + 40) {
            block->next = list;
            list = block;
        }
        CHECK_EQ(errno, ENOMEM);
        CHECK(list != NULL || round > 0);
        for (; list != NULL; list = block) {
            block = list->next;
            free(list);
        }
    }
    return arg;
}

static void test_threads(void) {
    pthread_attr_t attributes;
    pthread_t      threads[THREADS];
    malloc_trim(0);  // the stacks come from the same limit, past us
    CHECK_EQ(pthread_barrier_init(&all_there, NULL, THREADS), 0);
    CHECK_EQ(pthread_attr_init(&attributes), 0);
    CHECK_EQ(pthread_attr_setstacksize(&attributes, 256 << 10), 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], &attributes, thread_main, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    test_end(1000);
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    free(malloc(1));
    limit_data(64 * MIB);
    test_end(1000);
    test_end(50 * 1000);
    test_end(2 * MIB);
    test_threads();
    limit_data((size_t)RLIM_INFINITY);
    test_sudden_limit();
    return 0;
}
