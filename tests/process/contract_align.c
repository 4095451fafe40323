// tests/process/contract_align.c - alignment: 16 at every size, any power of two up to 64 MiB.
#include "tests/support/test.h"
// last: renames the malloc family in sanitizer builds
#include "tests/support/names.h"

enum { SMALL_BLOCKS = 100 * 1000, ALIGN_MAX = 64 << 20 };

static void *blocks[SMALL_BLOCKS];

// 100,000 live blocks of 1 to 15 bytes: below 16 bytes too nothing may be packed closer.
static void test_tiny_blocks(void) {
    for (size_t i = 0; i < SMALL_BLOCKS; i++) {
        size_t size = i % 15 + 1;
        blocks[i] = malloc(size);
        CHECK(blocks[i] != NULL && test_aligned(blocks[i], 16));
        test_fill(blocks[i], size, i);
    }
    for (size_t i = 0; i < SMALL_BLOCKS; i++) {
        CHECK(test_is_filled(blocks[i], i % 15 + 1, i));
        free(blocks[i]);
    }
}

static void test_every_size(void) {
    for (size_t size = 0; size <= 80 * 1024; size += size < 4096 ? 1 : 61) {
        void *by_malloc = malloc(size);
        void *by_calloc = calloc(1, size);
        void *by_realloc = realloc(malloc(1), size + 1);
        CHECK(by_malloc != NULL && test_aligned(by_malloc, 16));
        CHECK(by_calloc != NULL && test_aligned(by_calloc, 16));
        CHECK(by_realloc != NULL && test_aligned(by_realloc, 16));
        free(by_malloc);
        free(by_calloc);
        free(by_realloc);
    }
}

static void test_big_sizes(void) {
    for (size_t size = 64 << 10; size <= 64 << 20; size *= 2) {
        for (int delta = -1; delta <= 1; delta++) {
            void *block = malloc(size + (size_t)delta);
            CHECK(block != NULL && test_aligned(block, 16));
            free(block);
        }
    }
}

static void check_aligned_block(void *block, size_t align, size_t size) {
    CHECK(block != NULL);
    CHECK(test_aligned(block, align) && test_aligned(block, 16));
    CHECK(malloc_usable_size(block) >= size);
    if (size != 0) {
        volatile unsigned char *bytes = block;
        bytes[0] = 1;
        bytes[size - 1] = 2;
    }
}

static void test_one_alignment(size_t align, size_t size) {
    void  *by_aligned_alloc = aligned_alloc(align, size);
    void  *by_memalign = memalign(align, size);
    void  *by_posix = NULL;
    size_t posix_align = align < sizeof(void *) ? sizeof(void *) : align;
    CHECK_EQ(posix_memalign(&by_posix, posix_align, size), 0);
    check_aligned_block(by_aligned_alloc, align, size);
    check_aligned_block(by_memalign, align, size);
    check_aligned_block(by_posix, posix_align, size);
    free(by_memalign);
    free(by_aligned_alloc);
    free(by_posix);
}

// Sizes that are no multiple of the alignment belong to the contract too.
static void test_every_alignment(void) {
    static const size_t sizes[] = {0, 1, 24, 100, 4096, 5000, 40000, 300 * 1000, 3 << 20};
    for (size_t align = 1; align <= ALIGN_MAX; align *= 2)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            test_one_alignment(align, sizes[i]);
}

// Aligned blocks next to each other do not overlap, and survive the free of their neighbours.
static void test_aligned_neighbours(void) {
    enum { COUNT = 2000 };
    static size_t lengths[COUNT];
    uint64_t      random = 7;
    for (size_t i = 0; i < COUNT; i++) {
        size_t align = (size_t)16 << test_random(&random) % 9;
        lengths[i] = test_random(&random) % 3000 + 1;
        CHECK_EQ(posix_memalign(&blocks[i], align, lengths[i]), 0);
        CHECK(test_aligned(blocks[i], align));
        test_fill(blocks[i], lengths[i], i);
    }
    for (size_t i = 0; i < COUNT; i += 2) {
        CHECK(test_is_filled(blocks[i], lengths[i], i));
        free(blocks[i]);
    }
    for (size_t i = 1; i < COUNT; i += 2) {
        CHECK(test_is_filled(blocks[i], lengths[i], i));
        free(blocks[i]);
    }
}

static void test_page_functions(void) {
    size_t              page = (size_t)sysconf(_SC_PAGESIZE);
    static const size_t sizes[] = {1, 100, 4095, 4096, 4097, 70 * 1000, 5 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        void *by_valloc = valloc(sizes[i]);
        void *by_pvalloc = pvalloc(sizes[i]);
        check_aligned_block(by_valloc, page, sizes[i]);
        check_aligned_block(by_pvalloc, page, (sizes[i] + page - 1) / page * page);
        free(by_valloc);
        free(by_pvalloc);
    }
    void *none = pvalloc(0);
    CHECK(none != NULL && test_aligned(none, page));
    free(none);
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    test_tiny_blocks();
    test_every_size();
    test_big_sizes();
    test_every_alignment();
    test_aligned_neighbours();
    test_page_functions();
    return 0;
}
