// unit/page/test_fake_source.c - mapped regions: reserved, committed in steps, degrading, released.
//
// The data segment is in test_fake_source_brk.c.
#include "page/source.h"

#include "page/page_map.h"
#include "tests/support/fake_os.h"
#include "tests/unit/cases.h"

static struct source_map map;
static struct source    *source = &map.source;
static struct source_run run;

static void start(void) {
    fake_reset();
    fake_align_exactly(true);
    source_map_init(&map);
    CHECK(source->grow(source, 1, &run));  // from here on the store has records of regions
    CHECK(source->release(source, run.region));
    fake_forget();
}

static bool grow(size_t granules) {
    return source->grow(source, granules, &run);
}

// The bytes of the `index`-th map since start, 0 = none.
static size_t map_bytes(unsigned index) {
    const struct fake_record *record;
    for (unsigned i = 0; (record = fake_record(i)) != NULL; i++)
        if (record->call == FAKE_MAP && index-- == 0)
            return record->bytes;
    return 0;
}

static void check_run(size_t granules_min) {
    CHECK(run.granules >= granules_min);
    CHECK(is_aligned(run.base, GRANULE));
    CHECK_EQ(run.base + run.granules * GRANULE, region_end(run.region));
    CHECK(fake_is_committed((void *)run.base, run.granules * GRANULE));
    CHECK_EQ(fake_resident_in((void *)run.base, run.granules * GRANULE), 0);
    test_fill((void *)run.base, 4096, run.base);
}

static void reserved_and_committed_in_steps(void) {
    start();
    size_t meta = fake_mapped_bytes();
    CHECK(grow(3));
    check_run(3);
    CHECK_EQ(run.granules, 16);  // 1 MiB
    CHECK_EQ(run.region->reserved, MIB(64));
    CHECK(is_aligned(run.region->base, MIB(2)));
    CHECK_EQ(fake_mapped_bytes(), meta + MIB(64));
    CHECK(!fake_is_committed((void *)region_end(run.region), 4096));
    CHECK(strcmp(fake_name_at((void *)run.base), "tidemalloc arena") == 0);
    CHECK(strcmp(fake_name_at((void *)region_end(run.region)), "tidemalloc arena") == 0);
    struct region *first = run.region;
    for (unsigned i = 1; i < 64; i++) {
        CHECK(grow(16));
        check_run(16);
        CHECK(run.region == first && run.granules == 16);
    }
    CHECK_EQ(source->committed_bytes, MIB(64));
    CHECK_EQ(fake_count(FAKE_MAP), 1);
    CHECK(grow(1));
    check_run(1);
    CHECK(run.region != first);
    CHECK_EQ(source->region_count, 2);
    for (unsigned i = 0; i < 64; i++)
        CHECK(test_is_filled((void *)(first->base + i * MIB(1)), 4096, first->base + i * MIB(1)));
}

// The tail of a region that is too short for the need stays behind.
static void large_needs(void) {
    start();
    CHECK(grow(1));
    CHECK(grow(MIB(40) / GRANULE));
    check_run(MIB(40) / GRANULE);
    CHECK_EQ(source->region_count, 1);
    CHECK(grow(MIB(40) / GRANULE));
    check_run(MIB(40) / GRANULE);
    CHECK_EQ(source->region_count, 2);
    CHECK(grow(MIB(200) / GRANULE));
    check_run(MIB(200) / GRANULE);
    CHECK_EQ(run.region->reserved, MIB(200));  // exactly the need
    CHECK_EQ(source->committed_bytes, MIB(281));
}

static void reservation_degrades(void) {
    start();
    fake_fail(FAKE_MAP, 1, 1);
    CHECK(grow(2));
    check_run(2);
    CHECK_EQ(map_bytes(0), MIB(64));
    CHECK_EQ(map_bytes(1), MIB(4));
    CHECK_EQ(run.region->reserved, MIB(4));
    for (unsigned i = 0; i < 4; i++)
        CHECK(grow(16));  // the fourth step needs the next region: 4 MiB are asked for at once
    CHECK_EQ(fake_count(FAKE_MAP), 3);
    CHECK_EQ(map_bytes(2), MIB(4));
    fake_fail(FAKE_MAP, 1, 1);
    CHECK(grow(60));
    check_run(60);
    CHECK_EQ(map_bytes(3), MIB(4));
    CHECK_EQ(run.region->reserved, 60 * GRANULE);  // even that is too much: exactly the need
    CHECK_EQ(run.granules, 60);
    CHECK(source->release(source, run.region));
    CHECK(grow(60));
    CHECK_EQ(run.region->reserved, MIB(64));  // there is room again
}

static void need_above_the_small_region(void) {
    start();
    fake_fail(FAKE_MAP, 1, 1);
    CHECK(grow(MIB(10) / GRANULE));
    CHECK_EQ(fake_count(FAKE_MAP), 2);
    CHECK_EQ(run.region->reserved, MIB(10));
}

static void no_address_space(void) {
    start();
    size_t mapped = fake_mapped_bytes();
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    CHECK(!grow(1));
    CHECK_EQ(fake_count(FAKE_MAP), 3);  // 64 MiB, 4 MiB, the need
    CHECK_EQ(fake_mapped_bytes(), mapped);
    CHECK_EQ(source->region_count, 0);
    CHECK(!source->exhausted);  // mappings may come again
    fake_fail(FAKE_MAP, 1, 0);
    CHECK(grow(1));
    check_run(1);
}

static void commit_fails(void) {
    start();
    size_t mapped = fake_mapped_bytes();
    fake_fail(FAKE_COMMIT, 1, UINT32_MAX);
    CHECK(!grow(5));
    CHECK_EQ(fake_mapped_bytes(), mapped);  // an empty region is not kept
    CHECK_EQ(source->region_count, 0);
    CHECK_EQ(source->committed_bytes, 0);
    fake_fail(FAKE_COMMIT, 1, 1);
    CHECK(grow(5));
    check_run(5);
    CHECK_EQ(run.granules, 5);  // a step is too much: the need alone
    struct region *first = run.region;
    fake_fail(FAKE_COMMIT, 1, UINT32_MAX);
    CHECK(!grow(5));
    CHECK_EQ(source->region_count, 1);
    CHECK_EQ(source->committed_bytes, 5 * GRANULE);
    fake_fail(FAKE_COMMIT, 1, 0);
    CHECK(grow(5));
    check_run(5);
    CHECK(fake_is_committed((void *)first->base, first->committed));
}

static void release_and_its_failure(void) {
    start();
    size_t mapped = fake_mapped_bytes();
    CHECK(grow(1));
    struct region *first = run.region;
    CHECK(grow(MIB(64) / GRANULE));
    struct region *second = run.region;
    CHECK(first != second);
    fake_fail(FAKE_UNMAP, 1, 1);
    fake_fail_with(FAKE_UNMAP, 12);
    CHECK(!source->release(source, second));
    CHECK_EQ(source->region_count, 2);
    CHECK_EQ(source->committed_bytes, MIB(1) + second->committed);
    CHECK(fake_is_committed((void *)second->base, second->committed));
    CHECK(source->release(source, second));
    CHECK_EQ(fake_mapped_bytes(), mapped + first->reserved);
    CHECK_EQ(source->committed_bytes, MIB(1));
    CHECK(source->release(source, first));
    CHECK_EQ(fake_mapped_bytes(), mapped);
    CHECK_EQ(source->region_count, 0);
    CHECK(list_is_empty(&source->regions));
    CHECK(grow(1));  // no pointer to a region that is gone
    check_run(1);
}

static void committed_part_never_shrinks(void) {
    start();
    CHECK(grow(16));
    fake_forget();
    CHECK_EQ(source->shrink(source, run.region, run.base + GRANULE), 0);
    CHECK_EQ(run.region->committed, MIB(1));
    CHECK_EQ(fake_count(FAKE_ANY), 0);
}

// Without a record for the region its mapping goes back.
static void no_record(void) {
    static struct source other;
    start();
    list_init(&other.regions);
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    while (region_new(&other, 0, 0) != NULL) {
    }
    size_t   mapped = fake_mapped_bytes();
    unsigned before = fake_count(FAKE_UNMAP);
    fake_fail(FAKE_MAP, 2, UINT32_MAX);  // one reservation, then nothing for its record
    CHECK(!grow(1));
    CHECK_EQ(fake_mapped_bytes(), mapped);
    CHECK_EQ(source->region_count, 0);
    CHECK(fake_count(FAKE_UNMAP) > before);
    fake_fail(FAKE_MAP, 1, 0);
    CHECK(grow(1));
    check_run(1);
}

int main(void) {
    CASE(reserved_and_committed_in_steps);
    CASE(large_needs);
    CASE(reservation_degrades);
    CASE(need_above_the_small_region);
    CASE(no_address_space);
    CASE(commit_fails);
    CASE(release_and_its_failure);
    CASE(committed_part_never_shrinks);
    CASE(no_record);
    return 0;
}
