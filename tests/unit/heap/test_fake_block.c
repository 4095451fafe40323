// unit/heap/test_fake_block.c - every kind of pointer decoded, and the exact line for each misuse.
#include "heap/block.h"

#include "conf/options.h"
#include "heap/huge.h"
#include "heap/large.h"
#include "tests/unit/heap/bins.h"

enum { SLOTS = 40 };

static struct pages pages;
static struct bin   bin;
static char        *slots[SLOTS];

// A bin of 96-byte blocks of which some are taken; 65536 / 96 leaves a tail of 64 bytes.
static void start(void) {
    pages_start(&pages);
    CHECK_EQ(options_set(OPT_HUGE_THRESHOLD, MIB(1)), OPTION_OK);  // said: nothing is learned
    bin_init(&bin, size_class_of(96), &pages.heap, NULL);
    for (unsigned i = 0; i < SLOTS; i++)
        CHECK_EQ(bins_take(&bin, (void **)&slots[i], 1), 1);
}

static void give(void *slot) {
    CHECK_EQ(bins_give(&bin, &slot, 1), 0);
}

static struct block find(const void *pointer, enum block_kind kind) {
    struct block block = block_find(pointer);
    CHECK_EQ(block.kind, kind);
    CHECK_EQ(block_is_live(&block), kind >= BLOCK_SMALL);
    if (!block_is_live(&block))
        CHECK_EQ(block.usable, 0);
    return block;
}

static void small_blocks(void) {
    start();
    for (unsigned i = 0; i < SLOTS; i++) {
        struct block block = find(slots[i], BLOCK_SMALL);
        CHECK_EQ(block.base, (uintptr_t)slots[i]);
        CHECK_EQ(block.usable, 96);
        CHECK(block.slab == slab_at(slots[i]) && block.span == block.slab->span);
        CHECK_EQ(block.id, size_class_of(96));
        for (unsigned offset = 1; offset < 96; offset++) {
            block = find(slots[i] + offset, BLOCK_INTERIOR);
            CHECK_EQ(block.base, (uintptr_t)slots[i]);
            CHECK_EQ(block.id, size_class_of(96));
        }
    }
    give(slots[3]);
    CHECK_EQ(find(slots[3], BLOCK_FREED).base, (uintptr_t)slots[3]);
    find(slots[3] + 5, BLOCK_FREED);
    void *returned = slots[4];
    bin_return("free", bin.id, &returned, 1);
    find(slots[4], BLOCK_FREED);
    find(slots[SLOTS - 1] + 96, BLOCK_FREED);  // never taken
    find((char *)slab_at(slots[0])->base + GRANULE - 1, BLOCK_SLACK);
    find((char *)slab_at(slots[0])->base + 65536 / 96 * 96, BLOCK_SLACK);
}

static void large_blocks(void) {
    start();
    struct span *span = large_take(&pages.heap, 200000, 1);
    char        *base = (char *)span->base;
    struct block block = find(base, BLOCK_LARGE);
    CHECK(block.span == span && block.usable == 200704 && block.base == span->base);
    const size_t inside[] = {1, 16, 65535, 65536, 131072, 199999, 4 * GRANULE - 1};
    for (unsigned i = 0; i < ARRAY_COUNT(inside); i++) {
        block = find(base + inside[i], BLOCK_INTERIOR);
        CHECK(block.id == CLASS_LARGE && block.base == span->base);
    }
    large_give(span);
    find(base, BLOCK_FREE);
    find(base + 100000, BLOCK_FREE);
}

static void huge_blocks(void) {
    start();
    struct span *span = huge_take(MIB(3) + 1, 1);
    char        *base = (char *)span->base;
    struct block block = find(base, BLOCK_HUGE);
    CHECK(block.span == span && block.usable == MIB(3) + 4096);
    const size_t inside[] = {1, 65536, MIB(3), MIB(3) + GRANULE - 1};
    for (unsigned i = 0; i < ARRAY_COUNT(inside); i++) {
        block = find(base + inside[i], BLOCK_INTERIOR);
        CHECK(block.id == CLASS_HUGE && block.base == span->base);
    }
    huge_give(span);
    find(base, BLOCK_FREE);  // it waits for reuse
    find(base + MIB(2), BLOCK_FREE);
    huge_evict(UINT64_MAX);
    find(base, BLOCK_FOREIGN);
    find(base + MIB(2), BLOCK_FOREIGN);
}

static void claim_again(void *looked) {
    block_claim("free", looked);
}

// Two that looked at the same time: one has the block, the other a line.
static void claim_twice(char *base, enum block_kind kind) {
    struct block one = find(base, kind), other = one;
    block_claim("free", &one);
    CHECK(one.span == other.span && one.usable == other.usable);
    find(base, BLOCK_FREE);
    find(base + MIB(1), BLOCK_FREE);
    CHECK(death_expect(claim_again, &other, "tidemalloc: free(0x*): memory that is free already"));
    block_unclaim(&one);
    find(base + MIB(1), BLOCK_INTERIOR);
    struct block again = find(base, kind), same = block_of_span(again.span);
    CHECK(same.kind == kind && same.id == again.id && same.base == again.base &&
          same.usable == again.usable);
}

static void whole_blocks_are_claimed(void) {
    start();
    claim_twice((char *)large_take(&pages.heap, MIB(1) + 1, 1)->base, BLOCK_LARGE);
    claim_twice((char *)huge_take(MIB(3), 1)->base, BLOCK_HUGE);
    struct block small = find(slots[0], BLOCK_SMALL);
    block_claim("free", &small);
    block_unclaim(&small);
    find(slots[0], BLOCK_SMALL);
}

// Freed between two looks: its first granule says large yet, its record is another's.
static void a_block_that_goes_meanwhile(void) {
    start();
    struct span *left = large_take(&pages.heap, 100000, 1);
    char        *base = (char *)large_take(&pages.heap, 100000, 1)->base;
    page_map_set_span((uintptr_t)base, left);
    find(base, BLOCK_FREE);
    find(base + GRANULE, BLOCK_FREE);
}

static void foreign_pointers(void) {
    static char global[64];
    char        local[64];
    start();
    find(NULL, BLOCK_FOREIGN);
    find(global, BLOCK_FOREIGN);
    find(local, BLOCK_FOREIGN);
    find((void *)(uintptr_t)&find, BLOCK_FOREIGN);
    find((void *)UINTPTR_MAX, BLOCK_FOREIGN);
    find((void *)((uintptr_t)1 << 57), BLOCK_FOREIGN);
    find((void *)((uintptr_t)slots[0] | (uintptr_t)1 << 63), BLOCK_FOREIGN);
    find((void *)region_end(pages.map.growing), BLOCK_FOREIGN);  // reserved, not committed
    find((void *)(pages.map.growing->base - 1), BLOCK_FOREIGN);
    find((void *)(region_end(pages.map.growing) - 1), BLOCK_FREE);
    find((void *)bin.pages, BLOCK_FOREIGN);
    find(slab_at(slots[0]), BLOCK_FOREIGN);  // the allocator's own records
}

// --- what may be asked of a block ---------------------------------------------------------------

static bool fits(size_t usable, size_t bytes, size_t alignment) {
    struct block block = {.kind = BLOCK_SMALL,
                          .id = size_class_of(usable),
                          .base = usable,  // the second slot of a slab at 0
                          .usable = usable};
    return block_fits_request(&block, bytes, alignment);
}

static bool fits_whole(size_t usable, size_t bytes, size_t alignment) {
    struct block block = {.kind = BLOCK_LARGE, .id = CLASS_LARGE, .base = MIB(2), .usable = usable};
    return block_fits_request(&block, bytes, alignment);
}

static void requests_that_fit(void) {
    fake_reset();
    CHECK(fits(64, 64, 1) && fits(64, 49, 1));
    CHECK(!fits(64, 65, 1) && !fits(64, 48, 1) && !fits(64, 0, 1));
    CHECK(fits(16, 0, 1) && fits(16, 16, 16) && !fits(32, 16, 1));
    CHECK(fits(4096, 10, 4096) && !fits(4096, 10, 1024) && !fits(4096, 10, 8192));
    CHECK(fits(64, 40, 64) && fits(64, 40, 48) && !fits(64, 40, 16));
    CHECK(fits(64, 64, 0) && !fits(64, 64, SIZE_MAX));
    CHECK(fits(65536, 5, 65536) && !fits(65536, 1, 1) && !fits(65536, SIZE_MAX, 1));
    CHECK(fits_whole(200704, 200000, 1) && fits_whole(200704, 200704, 1));
    CHECK(!fits_whole(200704, 200705, 1) && !fits_whole(200704, 196608, 1));
    CHECK(fits_whole(4096, 5, MIB(1)) && fits_whole(4096, 0, MIB(1)));
    CHECK(!fits_whole(4096, 5, MIB(4)) && !fits_whole(4096, SIZE_MAX, 1));
}

// --- last words ---------------------------------------------------------------------------------

struct misuse {
    const char *function;
    const void *pointer;
    size_t      bytes;
};

static void fail(void *argument) {
    const struct misuse *misuse = argument;
    struct block         block = block_find(misuse->pointer);
    if (misuse->bytes)
        block_fail_size(misuse->function, misuse->pointer, misuse->bytes, &block);
    block_fail(misuse->function, misuse->pointer, &block);
}

static void check_line(const char *function, const void *pointer, const char *rest) {
    char          line[256];
    struct misuse misuse = {function, pointer, 0};
    snprintf(line, sizeof line, "tidemalloc: %s(%p): %s", function, pointer, rest);
    CHECK(death_expect(fail, &misuse, line));
}

static void lines_of_small_blocks(void) {
    char line[200];
    start();
    snprintf(line, sizeof line, "pointer into the middle of a 96-byte block (starts at %p)",
             (void *)slots[2]);
    check_line("free", slots[2] + 1, line);
    check_line("realloc", slots[2] + 48, line);
    give(slots[5]);
    check_line("free", slots[5], "double free of a 96-byte block");
    check_line("free_sized", slots[5], "double free of a 96-byte block");
    check_line("operator delete", slots[5], "double free of a 96-byte block");
    check_line("free", slots[5] + 8, "memory that is free already: inside a 96-byte block");
    check_line("realloc", slots[5], "memory that is free already: a 96-byte block");
    check_line("malloc_usable_size", slots[5], "memory that is free already: a 96-byte block");
    const char *tail = (char *)slab_at(slots[0])->base + GRANULE - 8;
    check_line("free", tail, "pointer behind the last 96-byte block of a slab");
}

static void lines_of_whole_blocks(void) {
    start();
    char *large = (char *)large_take(&pages.heap, 200000, 1)->base;
    char *huge = (char *)huge_take(MIB(2), 1)->base;
    char  line[200];
    snprintf(line, sizeof line,
             "pointer into the middle of a 200704-byte block (large, starts at %p)", (void *)large);
    check_line("free", large + 1, line);
    check_line("realloc", large + 100000, line);
    snprintf(line, sizeof line,
             "pointer into the middle of a 2097152-byte block (huge, starts at %p)", (void *)huge);
    check_line("free", huge + 4096, line);
    check_line("tide_usable_size", huge + MIB(1), line);
    large_give(page_map_span((uintptr_t)large));
    huge_give(page_map_span((uintptr_t)huge));
    check_line("free", large, "memory that is free already");
    check_line("free", large + 70000, "memory that is free already");
    check_line("free", huge, "memory that is free already");
    check_line("realloc", huge + MIB(1), "memory that is free already");
}

static void lines_of_wrong_sizes(void) {
    char line[200];
    start();
    struct misuse misuse = {"free_sized", slots[1], 1000};
    snprintf(line, sizeof line,
             "tidemalloc: free_sized(%p, 1000): size does not match the 96-byte block",
             (void *)slots[1]);
    CHECK(death_expect(fail, &misuse, line));
    misuse =
        (struct misuse){"operator delete", (void *)large_take(&pages.heap, 200000, 1)->base, 32};
    CHECK(death_expect(fail, &misuse,
                       "tidemalloc: operator delete(0x*, 32): size does not match the "
                       "200704-byte block"));
}

int main(void) {
    CASE(small_blocks);
    CASE(large_blocks);
    CASE(huge_blocks);
    CASE(whole_blocks_are_claimed);
    CASE(a_block_that_goes_meanwhile);
    CASE(foreign_pointers);
    CASE(requests_that_fit);
    CASE(lines_of_small_blocks);
    CASE(lines_of_whole_blocks);
    CASE(lines_of_wrong_sizes);
    return 0;
}
