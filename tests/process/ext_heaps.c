// tests/process/ext_heaps.c - heaps: all blocks go at once, from any thread; and each block is an
// ordinary block until then.
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/support/death.h"
#include "tests/support/proc.h"
#include "tests/support/test.h"
#include "tidemalloc.h"

enum { MIB = 1 << 20, COUNT = 20 * 1000, ROUNDS = 30, THREADS = 4 };

struct blocks {
    char  *at[COUNT];
    size_t size[COUNT];
};

static struct blocks all[THREADS];

static size_t random_size(uint64_t *random) {
    uint64_t kind = test_random(random) % 1000;
    size_t   limit = kind < 990 ? 1000 : kind < 999 ? 100 * 1000 : 2 * MIB;
    return (size_t)(test_random(random) % limit) + 1;
}

static void fill_heap(tide_heap *heap, struct blocks *blocks, size_t count, uint64_t seed) {
    for (size_t i = 0; i < count; i++) {
        blocks->size[i] = random_size(&seed);
        blocks->at[i] = tide_heap_malloc(heap, blocks->size[i]);
        CHECK(blocks->at[i] != NULL && test_aligned(blocks->at[i], 16));
        CHECK(tide_owns(blocks->at[i]));
        test_fill(blocks->at[i], blocks->size[i], i);
    }
}

static void check_blocks(const struct blocks *blocks, size_t first, size_t count) {
    for (size_t i = first; i < first + count; i++)
        CHECK(test_is_filled(blocks->at[i], blocks->size[i], i));
}

// Every way to free or resize a block of a heap, then the rest in one go.
static void test_single_blocks(void) {
    struct blocks *blocks = &all[0];
    tide_heap     *heap = tide_heap_new();
    CHECK(heap != NULL);
    fill_heap(heap, blocks, 3000, 1);
    for (size_t i = 0; i < 3000; i += 4) {
        tide_heap_free(heap, blocks->at[i]);
        free(blocks->at[i + 1]);
        size_t bigger = blocks->size[i + 2] * 2;
        blocks->at[i + 2] = tide_heap_realloc(heap, blocks->at[i + 2], bigger);
        CHECK(blocks->at[i + 2] != NULL);
        CHECK(test_is_filled(blocks->at[i + 2], blocks->size[i + 2], i + 2));
        CHECK(malloc_usable_size(blocks->at[i + 2]) >= bigger);
        check_blocks(blocks, i + 3, 1);
    }
    char *block = tide_heap_realloc(heap, NULL, 500);
    CHECK(block != NULL);
    errno = 0;
    CHECK(tide_heap_malloc(heap, test_hide_size(SIZE_MAX)) == NULL);
    CHECK_EQ(errno, ENOMEM);
    tide_heap_free(heap, NULL);
    tide_heap_destroy(heap);
    tide_heap_destroy(NULL);
}

// realloc of the malloc family works on a heap's block as well.
static void test_plain_realloc(void) {
    tide_heap *heap = tide_heap_new();
    CHECK(heap != NULL);
    for (size_t size = 10; size < 3 * MIB; size *= 3) {
        char *block = tide_heap_malloc(heap, size);
        CHECK(block != NULL);
        test_fill(block, size, size);
        block = realloc(block, 4 * size);
        CHECK(block != NULL && test_is_filled(block, size, size));
        free(block);
    }
    tide_heap_destroy(heap);
}

static void *destroy_heap(void *heap) {
    tide_heap_destroy(heap);
    return NULL;
}

// The memory of a destroyed heap is free again, also when another thread destroys it: thirty
// heaps of 10 MB pass through a process that never holds more than a few of them.
static void test_all_at_once(void) {
    size_t base = 0;
    for (int round = 0; round < ROUNDS; round++) {
        tide_heap *heap = tide_heap_new();
        pthread_t  thread;
        CHECK(heap != NULL);
        fill_heap(heap, &all[0], COUNT / 2, (uint64_t)round);
        check_blocks(&all[0], 0, COUNT / 2);
        CHECK_EQ(pthread_create(&thread, NULL, destroy_heap, heap), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        if (round == 2)
            base = proc_rss();
    }
    malloc_trim(0);
    CHECK_LE(proc_rss(), base + 8 * MIB);
}

static void *own_heap(void *arg) {
    struct blocks *blocks = arg;
    for (int round = 0; round < 5; round++) {
        tide_heap *heap = tide_heap_new();
        CHECK(heap != NULL);
        fill_heap(heap, blocks, 2000, (uint64_t)round);
        check_blocks(blocks, 0, 2000);
        tide_heap_destroy(heap);
    }
    return NULL;
}

// Heaps of several threads side by side do not mix.
static void test_threads(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, own_heap, &all[i]), 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static void *share_heap(void *arg) {
    tide_heap *heap = arg;
    uint64_t   random = (uintptr_t)&random;
    for (int i = 0; i < 5000; i++) {
        size_t size = (size_t)(test_random(&random) % 500) + 1;
        char  *block = tide_heap_malloc(heap, size);
        CHECK(block != NULL);
        test_fill(block, size, size);
        CHECK(test_is_filled(block, size, size));
        if (i % 3 == 0)
            tide_heap_free(heap, block);
        else if (i % 3 == 1)
            free(block);
    }
    return NULL;
}

// One heap used by several threads at the same time.
static void test_shared(void) {
    tide_heap *heap = tide_heap_new();
    pthread_t  threads[THREADS];
    CHECK(heap != NULL);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, share_heap, heap), 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    tide_heap_destroy(heap);
}

// Blocks of a destroyed heap are gone: memory that is free already, whoever frees it.
static void free_after_destroy(void *arg) {
    tide_heap *heap = tide_heap_new();
    char      *block = tide_heap_malloc(heap, (size_t)(uintptr_t)arg);
    tide_heap_destroy(heap);
    free(test_hide(block));
    malloc_trim(0);
}

static void free_in_other_heap(void *arg) {
    (void)arg;
    tide_heap *mine = tide_heap_new(), *other = tide_heap_new();
    tide_heap_free(other, tide_heap_malloc(mine, 100));
}

static void free_plain_in_heap(void *arg) {
    (void)arg;
    tide_heap_free(tide_heap_new(), malloc(100));
}

// The words are those of the library; what matters is one line that names the function.
static void check_dies(void (*mistake)(void *), uintptr_t arg, const char *function) {
    struct death death;
    death_run(mistake, (void *)arg, &death);
    char start[64];
    snprintf(start, sizeof start, "tidemalloc: %s(0x", function);
    CHECK(!death.hung);
    CHECK_EQ(death.signal, SIGABRT);
    CHECK(strncmp(death.text, start, strlen(start)) == 0);
    CHECK(strchr(death.text, '\n') == strrchr(death.text, '\n'));
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    test_single_blocks();
    test_plain_realloc();
    test_all_at_once();
    test_threads();
    test_shared();
    check_dies(free_after_destroy, 100, "free");
    check_dies(free_after_destroy, 100 * 1000, "free");
    check_dies(free_after_destroy, 5 * MIB, "free");
    check_dies(free_in_other_heap, 0, "tide_heap_free");
    check_dies(free_plain_in_heap, 0, "tide_heap_free");
    return 0;
}
