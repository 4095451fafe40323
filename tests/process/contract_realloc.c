// tests/process/contract_realloc.c - realloc over every transition of size keeps the content.
#include <errno.h>

#include "tests/support/test.h"
// last: renames the malloc family in sanitizer builds
#include "tests/support/names.h"

static const size_t sizes[] = {
    1,     15,    16,         17,         100,     1000,    4096,    20 * 1000, 32767,   32768,
    32769, 65536, 100 * 1000, 300 * 1000, 1000000, 1 << 20, 1100000, 3 << 20,   8 << 20, 20 << 20};
enum { SIZE_COUNT = sizeof sizes / sizeof *sizes };

static size_t least(size_t left, size_t right) {
    return left < right ? left : right;
}

// Every pair of sizes: small, large and huge blocks, growing and shrinking, both ways.
static void test_pairs(void) {
    for (size_t from = 0; from < SIZE_COUNT; from++) {
        for (size_t to = 0; to < SIZE_COUNT; to++) {
            size_t kept = least(sizes[from], sizes[to]);
            char  *block = malloc(sizes[from]);
            CHECK(block != NULL);
            test_fill(block, kept, from * 31 + to);
            block = realloc(block, sizes[to]);
            CHECK(block != NULL && test_aligned(block, 16));
            CHECK(test_is_filled(block, kept, from * 31 + to));
            block[sizes[to] - 1] = 1;
            CHECK(malloc_usable_size(block) >= sizes[to]);
            free(block);
        }
    }
}

// What a program wrote up to the usable size counts as content.
static void test_keeps_usable(void) {
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        char  *block = malloc(sizes[i]);
        size_t usable = malloc_usable_size(block);
        test_fill(block, usable, i);
        block = realloc(block, usable * 2 + 1);
        CHECK(block != NULL && test_is_filled(block, usable, i));
        free(block);
    }
}

// Aligned blocks are resized as any other; the alignment beyond 16 is not promised to stay.
static void test_aligned_blocks(void) {
    for (size_t align = 32; align <= 4 << 20; align *= 4) {
        for (size_t i = 0; i < SIZE_COUNT; i++) {
            size_t bigger = sizes[i] * 3 / 2 + 1;
            char  *block = aligned_alloc(align, sizes[i]);
            CHECK(block != NULL);
            test_fill(block, sizes[i], i);
            block = realloc(block, bigger);
            CHECK(block != NULL && test_is_filled(block, sizes[i], i));
            block[bigger - 1] = 1;
            block = realloc(block, sizes[i] / 2 + 1);
            CHECK(block != NULL && test_is_filled(block, sizes[i] / 2, i));
            free(block);
        }
    }
}

static void test_zero_and_null(void) {
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        void *block = realloc(NULL, sizes[i]);
        CHECK(block != NULL);
        errno = 4711;
        CHECK(realloc(block, 0) == NULL);
        CHECK_EQ(errno, 4711);
        block = reallocarray(NULL, 3, sizes[i]);
        CHECK(block != NULL && malloc_usable_size(block) >= 3 * sizes[i]);
        CHECK(reallocarray(block, 0, 8) == NULL);
    }
}

// realloc(p, 0) gives the memory back: a million times 64 KiB would not fit otherwise.
static void test_zero_frees(void) {
    enum { ROUNDS = 100 * 1000, BYTES = 64 << 10 };
    for (int i = 0; i < ROUNDS; i++) {
        char *block = malloc(BYTES);
        CHECK(block != NULL);
        block[0] = block[BYTES - 1] = 1;
        CHECK(realloc(block, 0) == NULL);
    }
}

static void test_grow_in_steps(size_t step, size_t last) {
    char *block = NULL;
    for (size_t size = step; size <= last; size += step) {
        block = realloc(block, size);
        CHECK(block != NULL);
        test_fill(block + size - step, step, size);
    }
    for (size_t size = step; size <= last; size += step)
        CHECK(test_is_filled(block + size - step, step, size));
    for (size_t size = last / step * step; size > step; size -= step) {
        block = realloc(block, size);
        CHECK(block != NULL && test_is_filled(block + size - step, step, size));
    }
    free(block);
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    test_pairs();
    test_keeps_usable();
    test_aligned_blocks();
    test_zero_and_null();
    test_zero_frees();
    test_grow_in_steps(16, 20 * 1000);
    test_grow_in_steps(7000, 2 << 20);
    test_grow_in_steps(1 << 20, 48 << 20);
    return 0;
}
