// unit/page/test_fake_thp.c - what is asked for blocks, which units are marked, and how many.
#include "page/thp.h"

#include "conf/options.h"
#include "page/purge.h"
#include "tests/unit/pages.h"

enum { UNIT = 2 << 20 };

static struct pages pages;

static void start(const char *setting, size_t unasked, size_t asked) {
    char *environment[] = {(char *)setting, NULL};
    pages_start(&pages);
    options_start(environment);
    fake_set_huge_pages(unasked, asked);
}

// A region of 64 MiB, all of it in blocks.
static struct region *fill_region(void) {
    struct span *span = page_heap_take(&pages.heap, MIB(63) / GRANULE, 1);
    CHECK(span != NULL);
    fake_forget();
    return span->region;
}

static bool is_marked(const struct region *region, size_t offset) {
    return fake_avoids_huge_pages((char *)region->base + offset);
}

static void quiet_hosts(void) {
    start(NULL, 0, UNIT);
    struct region *region = fill_region();
    thp_purged(region, region->base + KIB(64), KIB(64));
    CHECK_EQ(thp_unit(), 0);
    CHECK_EQ(fake_count(FAKE_AVOID_HUGE), 0);
    CHECK_EQ(thp_alignment(MIB(8)), 1);
}

static void never(void) {
    start("TIDE_THP=never", UNIT, UNIT);
    struct span *span = page_heap_take(&pages.heap, 1, 1);
    CHECK(fake_avoids_huge_pages((void *)span->base));
    fake_forget();
    thp_purged(span->region, span->base, GRANULE);
    CHECK_EQ(fake_count(FAKE_ANY), 0);
}

static void always(void) {
    start("TIDE_THP=always", 0, UNIT);
    CHECK(page_heap_take(&pages.heap, 1, 1) != NULL);
    CHECK_EQ(fake_count(FAKE_PREFER_HUGE), 1);
    CHECK_EQ(thp_alignment(UNIT), UNIT);
    CHECK_EQ(thp_alignment(UNIT - 1), 1);
    CHECK_EQ(pages.map.source.committed_bytes % UNIT, 0);
}

static void marks_parts(void) {
    start(NULL, UNIT, UNIT);
    struct region *region = fill_region();
    thp_purged(region, region->base + UNIT - KIB(4), KIB(8));  // of two units a page each
    CHECK_EQ(fake_count(FAKE_AVOID_HUGE), 2);
    CHECK(is_marked(region, 0) && is_marked(region, 2 * UNIT - 1) && !is_marked(region, 2 * UNIT));
    thp_purged(region, region->base, KIB(4));
    CHECK_EQ(fake_count(FAKE_AVOID_HUGE), 2);  // once is enough
    thp_purged(region, region->base + KIB(4), 3 * UNIT - KIB(4));
    CHECK(is_marked(region, 0) && !is_marked(region, UNIT) && !is_marked(region, 2 * UNIT));
    CHECK_EQ(fake_count(FAKE_PREFER_HUGE), 1);  // the third had no mark
    thp_forget(region, region->base);
    thp_purged(region, region->base, KIB(4));
    CHECK_EQ(fake_count(FAKE_AVOID_HUGE), 3);
}

// What the last unit has beyond the region is not ours.
static void only_our_own(void) {
    start(NULL, UNIT, UNIT);
    struct region region = {.base = 0, .reserved = UNIT + KIB(128)};
    region.base = (uintptr_t)os_map(2 * UNIT, UNIT, OS_READ_WRITE, "test") + KIB(64);
    fake_forget();
    thp_purged(&region, region.base + UNIT, KIB(64));
    CHECK(!is_marked(&region, UNIT - KIB(65)) && is_marked(&region, UNIT - KIB(64)));
    CHECK(is_marked(&region, UNIT + KIB(64)) && !is_marked(&region, UNIT + KIB(128)));
    thp_purged(&region, region.base, KIB(64));
    CHECK(is_marked(&region, 0) && !is_marked(&region, (size_t)0 - KIB(4)));
}

// Every other unit of many regions: then regions are marked as a whole.
static void few_mappings(void) {
    enum { REGIONS = 10 };
    static struct region regions[REGIONS];
    start(NULL, UNIT, UNIT);
    unsigned before = fake_mappings(), most = 0;
    for (unsigned r = 0; r < REGIONS; r++) {
        size_t bytes = (size_t)UNIT * 700;
        regions[r].base = (uintptr_t)os_map(bytes, UNIT, OS_RESERVED, "test");
        regions[r].reserved = bytes;
        CHECK(regions[r].base != 0);
        for (unsigned unit = 0; unit < 700; unit++)
            thp_purged(&regions[r], regions[r].base + (size_t)unit * UNIT, KIB(4));
        most = fake_count(FAKE_AVOID_HUGE);
    }
    CHECK_LE(most, THP_MARKS_MAX + REGIONS);
    CHECK_LE(fake_mappings(), before + 2 * THP_MARKS_MAX);
    for (unsigned r = 0; r < REGIONS; r++)
        CHECK(is_marked(&regions[r], 699 * (size_t)UNIT));
    for (unsigned r = 0; r < REGIONS; r++)
        thp_forget(&regions[r], regions[r].base);
    fake_forget();
    thp_purged(&regions[0], regions[0].base, KIB(4));
    CHECK(fake_record(0)->bytes == UNIT);  // there is room for marks again
}

// Unmarking joins nothing: a unit that was marked once stays a mapping of its own,
// and of those there are few.
static void unmarked_ones_count(void) {
    enum { REGIONS = 10, SHORT = 256 << 10 };
    static struct region regions[REGIONS];
    start(NULL, SHORT, SHORT);
    for (unsigned r = 0; r < REGIONS; r++) {
        size_t bytes = (size_t)SHORT * REGION_UNITS;
        regions[r].base = (uintptr_t)os_map(bytes, SHORT, OS_RESERVED, "test");
        regions[r].reserved = bytes;
        for (uintptr_t at = regions[r].base; at < regions[r].base + bytes; at += 2 * SHORT) {
            thp_purged(&regions[r], at, KIB(4));
            thp_purged(&regions[r], at, SHORT);
        }
    }
    CHECK_LE(fake_count(FAKE_PREFER_HUGE), THP_MARKS_MAX);
    CHECK_LE(fake_count(FAKE_AVOID_HUGE), THP_MARKS_MAX + REGIONS);
    for (unsigned r = 0; r < REGIONS; r++)
        thp_forget(&regions[r], regions[r].base);
}

// Of the oldest spans the one with a whole unit goes first, and of a long span whole units.
static void whole_units_first(void) {
    start(NULL, UNIT, UNIT);
    static struct purge purge;
    purge_init(&purge, 0, os_now_ns());
    struct span *small = take_block(&pages, 2), *rest = take_block(&pages, 2);
    struct span *large = take_block(&pages, 3 * UNIT / GRANULE), *last = take_block(&pages, 1);
    CHECK(rest && last);
    page_heap_give(&pages.heap, small, GRANULE, 0);
    page_heap_give(&pages.heap, large, 3 * UNIT, 0);
    uintptr_t base = large->base, end = span_end(large);
    CHECK(purge_heap(&purge, &pages.heap, MIB(1), PURGE_BUDGET) > 0);
    uintptr_t cut = align_down(end - MIB(1), UNIT);
    CHECK(fake_was_purged((void *)cut, end - cut));
    CHECK(!fake_was_purged((char *)cut - KIB(4), KIB(4)) && cut > base);
}

int main(void) {
    CASE(quiet_hosts);
    CASE(never);
    CASE(always);
    CASE(marks_parts);
    CASE(only_our_own);
    CASE(few_mappings);
    CASE(unmarked_ones_count);
    CASE(whole_units_first);
    return 0;
}
