// tests/process/sbrk_foreign.c - the program moves the break too: its regions stay untouched.
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { REGIONS = 24, BLOCKS = 4000, MIB = 1 << 20 };

struct region {
    unsigned char *bytes;
    size_t         size;
};

static struct region regions[REGIONS];
static char         *blocks[BLOCKS];

static void take_region(int index, size_t size) {
    void *start = sbrk((intptr_t)size);
    CHECK(start != (void *)-1);
    regions[index] = (struct region){start, size};
    test_fill(start, size, (uint64_t)index);
}

static void check_regions(void) {
    unsigned char *end = sbrk(0);
    for (int i = 0; i < REGIONS; i++) {
        if (regions[i].size == 0)
            continue;
        CHECK(regions[i].bytes + regions[i].size <= end);
        CHECK(test_is_filled(regions[i].bytes, regions[i].size, (uint64_t)i));
    }
}

// No block reaches into a region of the program.
static void check_block(const char *block, size_t size) {
    for (int i = 0; i < REGIONS; i++) {
        const char *start = (const char *)regions[i].bytes;
        CHECK(block + size <= start || block >= start + regions[i].size);
    }
}

static void work(size_t size) {
    for (size_t i = 0; i < BLOCKS; i++) {
        CHECK((blocks[i] = malloc(size)) != NULL);
        check_block(blocks[i], malloc_usable_size(blocks[i]));
        test_fill(blocks[i], size, i);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        CHECK(test_is_filled(blocks[i], size, i));
        free(blocks[i]);
    }
}

// Odd lengths, a page, more than any top pad; blocks before, between and after.
static void test_interleaved(void) {
    static const size_t lengths[] = {100, 4096, 1, 3 * MIB, 65536, 17};
    for (int i = 0; i < REGIONS; i++) {
        work(i % 3 == 0 ? 100 : i % 3 == 1 ? 3000 : 500);
        take_region(i, lengths[(size_t)i % (sizeof lengths / sizeof *lengths)]);
        check_regions();
        if (i % 4 == 3)
            malloc_trim(0);
        check_regions();
    }
}

// The program gives its own memory back when nobody has moved the break since.
static void test_shrink(void) {
    unsigned char *before = sbrk(0);
    CHECK(sbrk(2 * MIB) == before);
    memset(before, 1, 2 * MIB);
    CHECK(sbrk(-2 * MIB) == before + 2 * MIB);
    CHECK(sbrk(0) == (void *)before);
    work(700);
    check_regions();
}

// A region of the program behind our free memory: the trim may not lower the break through it.
static void test_trim_below(void) {
    for (size_t i = 0; i < BLOCKS; i++)
        CHECK((blocks[i] = malloc(2000)) != NULL);
    take_region(0, 4096);
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    malloc_trim(0);
    check_regions();
    work(2000);
    check_regions();
}

// A mapping of the program right behind the break: it cannot move any more, now and for ever.
static void test_wall(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char  *at = (char *)(((uintptr_t)sbrk(0) + page - 1) & -page);
    char  *wall = mmap(at, page, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (wall != at)
        return;  // something is there already: as good
    test_fill(wall, page, 99);
    for (int round = 0; round < 3; round++) {
        work(5000);
        work(60);
        malloc_trim(0);
    }
    void *large = malloc(30 * MIB);
    CHECK(large != NULL);
    free(large);
    CHECK(test_is_filled(wall, page, 99));
    check_regions();
    CHECK_EQ(munmap(wall, page), 0);
    work(5000);
}

int main(void) {
    test_watchdog(30);
    test_need_tide();
    test_interleaved();
    test_shrink();
    test_trim_below();
    test_wall();
    return 0;
}
