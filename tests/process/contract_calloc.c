// tests/process/contract_calloc.c - calloc gives zeroes, also from memory that was used before.
#include "tests/support/test.h"
// last: renames the malloc family in sanitizer builds
#include "tests/support/names.h"

enum { COUNT = 300 };

static const size_t sizes[] = {1,      16,        24,      100,           1000,
                               4096,   20 * 1000, 32768,   40000,         100000,
                               500000, 1 << 20,   1 << 21, (5 << 20) + 7, 12 << 20};
enum { SIZE_COUNT = sizeof sizes / sizeof *sizes };

static size_t count_for(size_t size) {
    size_t count = (24 << 20) / size;
    return count < 2 ? 2 : count > COUNT ? COUNT : count;
}

// Dirty memory of one size, then the size again by calloc.
static void test_recycled(size_t size) {
    static unsigned char *blocks[COUNT];
    size_t                count = count_for(size);
    for (size_t i = 0; i < count; i++) {
        blocks[i] = malloc(size);
        CHECK(blocks[i] != NULL);
        memset(blocks[i], 0xa5, malloc_usable_size(blocks[i]));
    }
    for (size_t i = 0; i < count; i++)
        free(blocks[i]);
    for (size_t i = 0; i < count; i++) {
        blocks[i] = i % 2 ? calloc(1, size) : calloc(size, 1);
        CHECK(blocks[i] != NULL && test_is_byte(blocks[i], size, 0));
    }
    for (size_t i = 0; i < count; i++)
        free(blocks[i]);
}

// Dirty memory of every size, then another size cut out of it; trims in between make part of it
// fresh from the kernel and part of it not.
static void test_mixed(void) {
    static unsigned char *blocks[COUNT];
    uint64_t              random = 11;
    for (int round = 0; round < 40; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            size_t size = sizes[test_random(&random) % (SIZE_COUNT - 3)];
            free(blocks[i]);
            bool dirty = test_random(&random) % 2;
            blocks[i] = dirty ? malloc(size) : calloc(1, size);
            CHECK(blocks[i] != NULL);
            CHECK(dirty || test_is_byte(blocks[i], size, 0));
            memset(blocks[i], 0x5a, size);
        }
        if (round % 8 == 7)
            malloc_trim(0);
    }
    for (size_t i = 0; i < COUNT; i++)
        free(blocks[i]);
}

// A block grown by realloc and freed leaves its whole length dirty.
static void test_after_realloc(void) {
    for (size_t size = 1000; size <= 16 << 20; size *= 3) {
        unsigned char *block = realloc(malloc(size), 2 * size);
        CHECK(block != NULL);
        memset(block, 0xff, 2 * size);
        block = realloc(block, size);
        free(block);
        unsigned char *clean = calloc(2, size);
        CHECK(clean != NULL && test_is_byte(clean, 2 * size, 0));
        free(clean);
    }
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    for (size_t i = 0; i < SIZE_COUNT; i++)
        test_recycled(sizes[i]);
    test_mixed();
    test_after_realloc();
    return 0;
}
