// tests/process/maps_limit.c - the limit of mappings is used up: small requests still work, and
// all comes back when the mappings go.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { MIB = 1 << 20, HUGE_BLOCKS = 16, HUGE_BYTES = 3 * MIB, SMALL = 10 * 1000 };
enum { THREADS = 3, THREAD_BLOCKS = 500 };
enum { LIMIT_MAX = 1 << 18 };  // of vm.max_map_count, for a short test

static char  *huge[HUGE_BLOCKS];
static char  *small[SMALL];
static char  *area;
static size_t area_bytes;

static pthread_barrier_t used_up, given_back;

static size_t limit_of_mappings(void) {
    size_t limit = 0;
    FILE  *file = fopen("/proc/sys/vm/max_map_count", "r");
    CHECK(file != NULL && fscanf(file, "%zu", &limit) == 1);
    fclose(file);
    return limit;
}

// Every second page of one reservation gets another protection: a mapping each.
static void use_up(size_t limit) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    area_bytes = (limit + 100) * page;
    area = mmap(NULL, area_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(area != MAP_FAILED);
    for (size_t at = 0; at < area_bytes; at += 2 * page) {
        if (mprotect(area + at, page, PROT_READ) != 0) {
            CHECK_EQ(errno, ENOMEM);
            return;
        }
    }
    test_fail(__FILE__, __LINE__, "the limit of mappings was not reached");
}

static void make_huge(void) {
    for (size_t i = 0; i < HUGE_BLOCKS; i++) {
        CHECK((huge[i] = malloc(HUGE_BYTES)) != NULL);
        memset(huge[i], (int)i, HUGE_BYTES);
    }
}

static void free_huge(size_t first) {
    for (size_t i = first; i < HUGE_BLOCKS; i += 2) {
        CHECK(test_is_byte(huge[i], HUGE_BYTES, (unsigned char)i));
        free(huge[i]);
    }
}

static void work_small(void) {
    for (size_t i = 0; i < SMALL; i++) {
        CHECK((small[i] = malloc(100)) != NULL);
        test_fill(small[i], 100, i);
    }
    for (size_t i = 0; i < SMALL; i++) {
        CHECK(test_is_filled(small[i], 100, i));
        free(small[i]);
    }
}

// Blocks of every kind: a refusal is one with errno, and what is had is whole. Returns how many
// were refused.
static unsigned work_mixed(uint64_t seed) {
    char    *blocks[THREAD_BLOCKS];
    unsigned refused = 0;
    for (unsigned i = 0; i < THREAD_BLOCKS; i++) {
        size_t size = (size_t)16 << (seed + i) % 18;
        errno = 0;
        blocks[i] = malloc(size);
        CHECK(blocks[i] != NULL || errno == ENOMEM);
        refused += blocks[i] == NULL;
        if (blocks[i] != NULL)
            test_fill(blocks[i], size, i);
    }
    for (unsigned i = 0; i < THREAD_BLOCKS; i++) {
        CHECK(blocks[i] == NULL || test_is_filled(blocks[i], (size_t)16 << (seed + i) % 18, i));
        free(blocks[i]);
    }
    return refused;
}

// A thread that meets the allocator for the first time at the limit, and goes on after it.
static void *thread_main(void *arg) {
    pthread_barrier_wait(&used_up);
    for (uint64_t i = 0; i < 4; i++)
        work_mixed((uintptr_t)arg + i);
    pthread_barrier_wait(&given_back);
    pthread_barrier_wait(&given_back);
    CHECK_EQ(work_mixed((uintptr_t)arg), 0);
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];

    test_watchdog(60);
    test_need_tide();
    size_t limit = limit_of_mappings();
    if (limit > LIMIT_MAX)
        test_skip("vm.max_map_count is too high to be used up in a short test");
    CHECK_EQ(pthread_barrier_init(&used_up, NULL, THREADS + 1), 0);
    CHECK_EQ(pthread_barrier_init(&given_back, NULL, THREADS + 1), 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, thread_main, (void *)i), 0);
    make_huge();
    use_up(limit);
    pthread_barrier_wait(&used_up);
    pthread_barrier_wait(&given_back);
    free_huge(0);
    work_small();
    errno = 0;
    void *block = malloc(HUGE_BYTES);  // may or may not fit, but fails properly
    CHECK(block != NULL || errno == ENOMEM);
    free(block);
    free_huge(1);
    work_small();
    CHECK_EQ(munmap(area, area_bytes), 0);
    pthread_barrier_wait(&given_back);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    make_huge();
    work_small();
    free_huge(0);
    free_huge(1);
    return 0;
}
