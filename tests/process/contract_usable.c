// tests/process/contract_usable.c - the usable size: stable, writable to the last byte, kept.
#include "tests/support/test.h"
// last: renames the malloc family in sanitizer builds
#include "tests/support/names.h"

enum { PAIRS = 400 };

static void test_null(void) {
    CHECK_EQ(malloc_usable_size(NULL), 0);
}

// Writing all of it harms no neighbour: pairs of blocks of a size, both filled to the end.
static void test_writable(size_t size) {
    static unsigned char *blocks[PAIRS];
    size_t                count = size < 64 << 10 ? PAIRS : 4;
    for (size_t i = 0; i < count; i++) {
        blocks[i] = malloc(size);
        CHECK(blocks[i] != NULL);
        size_t usable = malloc_usable_size(blocks[i]);
        CHECK(usable >= size);
        test_fill(blocks[i], usable, i);
    }
    for (size_t i = 0; i < count; i++) {
        size_t usable = malloc_usable_size(blocks[i]);
        CHECK(test_is_filled(blocks[i], usable, i));
        free(blocks[i]);
    }
}

// The same value while the block lives, whatever happens around it.
static void test_stable(size_t size) {
    void  *block = malloc(size);
    size_t usable = malloc_usable_size(block);
    for (size_t i = 1; i < 2000; i++) {
        free(malloc(i * 8));
        CHECK_EQ(malloc_usable_size(block), usable);
    }
    free(block);
}

// realloc to a size the block can hold already says so: the usable size never falls below it.
static void test_kept_by_realloc(size_t size) {
    unsigned char *block = malloc(size);
    size_t         usable = malloc_usable_size(block);
    test_fill(block, usable, size);
    block = realloc(block, usable);
    CHECK(block != NULL);
    CHECK(malloc_usable_size(block) >= usable);
    CHECK(test_is_filled(block, usable, size));
    free(block);
}

// A block of another function has a usable size too.
static void test_other_makers(size_t size) {
    size_t         page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *made[] = {calloc(1, size),
                             aligned_alloc(64, size),
                             aligned_alloc(page, size),
                             aligned_alloc(2 << 20, size),
                             valloc(size),
                             realloc(NULL, size)};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        CHECK(made[i] != NULL);
        size_t usable = malloc_usable_size(made[i]);
        CHECK(usable >= size);
        test_fill(made[i], usable, i);
    }
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        CHECK(test_is_filled(made[i], malloc_usable_size(made[i]), i));
        free(made[i]);
    }
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    test_null();
    for (size_t size = 1; size <= 6 << 20; size += size / 5 + 1) {
        test_writable(size);
        test_kept_by_realloc(size);
        test_other_makers(size);
    }
    for (size_t size = 1; size <= 16 << 20; size *= 13)
        test_stable(size);
    return 0;
}
