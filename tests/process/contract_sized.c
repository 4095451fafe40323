// tests/process/contract_sized.c - free_sized and free_aligned_sized take every honest size.
#include "tests/support/test.h"
// last: renames the malloc family in sanitizer builds
#include "tests/support/names.h"

enum { ROUNDS = 3 };

static void test_null(void) {
    free_sized(NULL, 0);
    free_sized(NULL, 100);
    free_sized(NULL, SIZE_MAX);
    free_aligned_sized(NULL, 64, 100);
    free_aligned_sized(NULL, 64, 0);
}

static void test_every_maker(size_t size) {
    free_sized(malloc(size), size);
    free_sized(calloc(1, size), size);
    free_sized(calloc(size, 1), size);
    free_sized(realloc(malloc(1), size + 1), size + 1);
    free_sized(realloc(malloc(2 * size + 100), size + 1), size + 1);
}

static void test_aligned_maker(size_t size) {
    for (size_t align = 1; align <= 1 << 20; align *= 8)
        free_aligned_sized(aligned_alloc(align, size), align, size);
}

// What realloc gave may be freed with its size, also when the block was an aligned one before.
static void test_realloc_of_aligned(size_t size) {
    for (size_t align = 32; align <= 1 << 16; align *= 8) {
        free_sized(realloc(aligned_alloc(align, size), size + 1), size + 1);
        free_sized(realloc(aligned_alloc(align, size), size / 2 + 1), size / 2 + 1);
    }
}

// And when it left a smaller block where it was.
static void test_shrunk(size_t size) {
    size_t less = size - size / 4;
    free_sized(realloc(malloc(size), less), less);
    free_sized(realloc(realloc(malloc(size), less), size), size);
}

// The block is really free afterwards: its memory serves the next request of the size.
static void test_frees(size_t size) {
    enum { COUNT = 20 * 1000 };
    for (int i = 0; i < COUNT; i++) {
        char *block = malloc(size);
        CHECK(block != NULL);
        block[0] = 1;
        free_sized(block, size);
    }
    for (int i = 0; i < COUNT; i++) {
        char *block = aligned_alloc(256, size);
        CHECK(block != NULL);
        block[0] = 1;
        free_aligned_sized(block, 256, size);
    }
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    test_null();
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t size = 0; size <= 4 << 20; size += size < 1200 ? 1 : size / 40) {
            test_every_maker(size);
            test_aligned_maker(size);
            test_realloc_of_aligned(size);
            test_shrunk(size);
        }
    }
    test_frees(100);
    test_frees(30 * 1000);
    test_frees(500 * 1000);
    return 0;
}
