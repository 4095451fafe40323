// unit/page/test_fake_page_map.c - leaves on demand, every corner of the address space, no memory.
#include "page/page_map.h"

#include <pthread.h>

#include "tests/support/fake_os.h"
#include "tests/unit/cases.h"

#define LEAF ((uintptr_t)1 << PAGE_LEAF_SHIFT)
#define LOW_END ((uintptr_t)1 << 48)
#define HIGH_END ((uintptr_t)1 << 57)

static struct span *mark(uintptr_t number) {
    return (struct span *)(number * 16);
}

static void check_nothing(uintptr_t address) {
    CHECK_EQ(page_map_class(address), CLASS_NONE);
    CHECK(page_map_span(address) == NULL);
}

static void empty_map(void) {
    fake_reset();
    const uintptr_t places[] = {0,
                                1,
                                LEAF - 1,
                                LEAF,
                                LOW_END - 1,
                                LOW_END,
                                LOW_END + 1,
                                HIGH_END - 1,
                                HIGH_END,
                                HIGH_END + 5,
                                UINTPTR_MAX,
                                (uintptr_t)&places,
                                (uintptr_t)1 << 63};
    for (unsigned i = 0; i < ARRAY_COUNT(places); i++)
        check_nothing(places[i]);
    CHECK_EQ(page_map_leaves(), 0);
    CHECK_EQ(fake_count(FAKE_ANY), 0);
}

static void leaves_are_made_once(void) {
    fake_reset();
    const uintptr_t base = 0x7f0300000000 - 3 * GRANULE;  // 3 granules in one leaf, 5 in the next
    CHECK(page_map_prepare(base, 8));
    CHECK_EQ(page_map_leaves(), 2);
    CHECK_EQ(fake_count(FAKE_MAP), 1);  // the first is there from the start
    CHECK(page_map_prepare(base, 8) && page_map_prepare(base + 7 * GRANULE, 1));
    CHECK_EQ(page_map_leaves(), 2);
    // A range that ends exactly at the border needs no leaf behind it.
    CHECK(page_map_prepare(0x7f0400000000 - GRANULE, 1));
    CHECK_EQ(page_map_leaves(), 2);
    CHECK(page_map_prepare(0x7f0400000000, 1));
    CHECK_EQ(page_map_leaves(), 3);
    // An untouched leaf costs address space, not memory.
    CHECK_LE(fake_mapped_bytes(), 2 * KIB(640));
    CHECK_EQ(os_resident_bytes(), 0);
}

// The fast paths' looks do not go beyond the root; free's goes to starts of slots only.
static void check_fast(uintptr_t address, class_id id) {
    size_t found = id;
    CHECK_EQ(page_map_class_fast(address, &found), address < LOW_END);
    CHECK_EQ(found, id);
    CHECK_EQ(page_map_class_slot(address, &found),
             address < LOW_END && address % SIZE_GRAIN == 0);
    CHECK_EQ(found, id);
}

// Sets a run that ends and starts in the middle of others, and looks at every granule around it.
static void check_run(uintptr_t base, size_t granules) {
    CHECK(page_map_prepare(base - GRANULE, granules + 2));
    page_map_set_class(base - GRANULE, granules + 2, 7);
    page_map_set_class(base, granules, 33);
    for (size_t i = 0; i < granules; i++)
        page_map_set_span(base + i * GRANULE, mark(i + 1));
    for (size_t i = 0; i < granules; i++) {
        uintptr_t       at = base + i * GRANULE;
        const uintptr_t offsets[] = {0, 1, 8, 16, 4096, GRANULE / 2, GRANULE - 1};
        for (unsigned k = 0; k < ARRAY_COUNT(offsets); k++) {
            CHECK_EQ(page_map_class(at + offsets[k]), 33);
            CHECK(page_map_span(at + offsets[k]) == mark(i + 1));
            check_fast(at + offsets[k], 33);
        }
    }
    CHECK_EQ(page_map_class(base - 1), 7);
    CHECK_EQ(page_map_class(base + granules * GRANULE), 7);
    CHECK(page_map_span(base - 1) == NULL && page_map_span(base + granules * GRANULE) == NULL);
}

static void runs_at_every_border(void) {
    fake_reset();
    check_run(0x555500000000 + 17 * GRANULE, 9);
    check_run(0x7f0300000000 - 4 * GRANULE, 9);      // two leaves
    check_run(GRANULE, 3);                           // the lowest
    check_run(LOW_END - 2 * GRANULE, 4);             // from the root into the next level
    check_run(LOW_END + 5 * LEAF - 2 * GRANULE, 4);  // two leaves up there
    check_run(2 * LOW_END - 3 * GRANULE, 6);         // two roots up there
    check_run(HIGH_END - 4 * GRANULE, 3);            // the highest
}

// Bits above the 57th are not cut off: such an address is nobody's.
static void beyond_57_bits(void) {
    fake_reset();
    CHECK(page_map_prepare(HIGH_END - 2 * GRANULE, 2));
    page_map_set_class(HIGH_END - 2 * GRANULE, 2, 5);
    CHECK(page_map_prepare(0x123450000, 1));
    page_map_set_class(0x123450000, 1, 6);
    size_t leaves = page_map_leaves();
    CHECK(!page_map_prepare(HIGH_END, 1));
    CHECK(!page_map_prepare(HIGH_END - GRANULE, 2));  // one in, one out
    CHECK(!page_map_prepare((uintptr_t)0 - GRANULE, 1));
    CHECK_EQ(page_map_leaves(), leaves);
    for (unsigned bit = 57; bit < 64; bit++) {
        check_nothing(((uintptr_t)1 << bit) + 0x123450000);
        check_nothing(((uintptr_t)1 << bit) + HIGH_END - GRANULE);
    }
    for (unsigned bit = 48; bit < 57; bit++)
        check_nothing(((uintptr_t)1 << bit) + 0x123450000);
    CHECK_EQ(page_map_class(0x123450000), 6);
    CHECK_EQ(page_map_class(HIGH_END - 1), 5);
}

// The n-th mapping fails: false, nothing is published, and the next try ends what was begun.
static void check_failure(uintptr_t base, size_t granules, unsigned maps) {
    for (unsigned nth = 1; nth <= maps; nth++) {
        size_t leaves = page_map_leaves();
        fake_fail(FAKE_MAP, 1, 1);  // what an earlier try made is there already
        CHECK(!page_map_prepare(base, granules));
        CHECK_LE(page_map_leaves(), leaves + 1);
        check_nothing(base + (granules - 1) * GRANULE);
        fake_fail(FAKE_MAP, 2, 1);
        CHECK_EQ(page_map_prepare(base, granules), nth == maps);
    }
    page_map_set_class(base, granules, 9);
    CHECK_EQ(page_map_class(base), 9);
    CHECK_EQ(page_map_class(base + granules * GRANULE - 1), 9);
}

static void without_memory(void) {
    fake_reset();
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    CHECK(page_map_prepare(0x555500000000, 1));  // the first leaf needs no mapping
    CHECK(!page_map_prepare(0x555600000000, 1));
    check_failure(0x7f0000000000, 2, 1);
    check_failure(0x7f0200000000 - GRANULE, 2, 2);  // two leaves
    check_failure(LOW_END + 0x10000000, 1, 2);      // a root and a leaf
    check_failure(7 * LOW_END - GRANULE, 2, 4);     // two of each
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    CHECK(page_map_prepare(0x7f0200000000 - GRANULE, 2));  // nothing is needed
    CHECK(!page_map_prepare(0x100000000000, 1));
}

static void *prepare_all(void *barrier) {
    pthread_barrier_wait(barrier);
    for (uintptr_t i = 0; i < 50; i++) {
        CHECK(page_map_prepare((i + 1) * LEAF, 1));
        CHECK(page_map_prepare(LOW_END + (i + 1) * LEAF, 1));
    }
    return NULL;
}

// Whoever comes first makes the leaf; what another wrote into it meanwhile is not lost.
static void threads_make_each_leaf_once(void) {
    pthread_t         threads[4];
    pthread_barrier_t barrier;
    fake_reset();
    pthread_barrier_init(&barrier, NULL, 4);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, prepare_all, &barrier), 0);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(page_map_leaves(), 100);
    CHECK_EQ(fake_count(FAKE_MAP), 100);  // not for the first; one root for those above 2^48
}

static void fork_keeps_it_usable(void) {
    fake_reset();
    page_map_fork_prepare();
    page_map_fork_parent();
    CHECK(page_map_prepare(LEAF, 1));
    page_map_fork_prepare();
    page_map_fork_child();
    CHECK(page_map_prepare(2 * LEAF, 1));
    CHECK_EQ(page_map_leaves(), 2);
}

int main(void) {
    CASE(empty_map);
    CASE(leaves_are_made_once);
    CASE(runs_at_every_border);
    CASE(beyond_57_bits);
    CASE(without_memory);
    CASE(threads_make_each_leaf_once);
    CASE(fork_keeps_it_usable);
    return 0;
}
