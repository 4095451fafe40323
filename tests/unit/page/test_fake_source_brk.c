// unit/page/test_fake_source_brk.c - the data segment as a source, with others moving the break.
#include "conf/options.h"
#include "page/source.h"
#include "tests/support/fake_os.h"
#include "tests/unit/cases.h"

static struct source_brk segment;
static struct source    *source = &segment.source;
static struct source_run run;

static void start(void) {
    fake_reset();
    source_brk_init(&segment);
}

static bool grow(size_t granules) {
    return source->grow(source, granules, &run);
}

static uintptr_t break_now(void) {
    return (uintptr_t)os_break();
}

static void check_run(size_t granules_min) {
    CHECK(run.granules >= granules_min);
    CHECK(is_aligned(run.base, GRANULE));
    CHECK_EQ(run.base + run.granules * GRANULE, region_end(run.region));
    CHECK_LE(region_end(run.region), break_now());
    CHECK_EQ(fake_resident_in((void *)run.base, run.granules * GRANULE), 0);
    test_fill((void *)run.base, run.granules * GRANULE, run.base);
}

static bool is_intact(const struct source_run *old) {
    return test_is_filled((void *)old->base, old->granules * GRANULE, old->base);
}

static void grows_in_steps(void) {
    start();
    uintptr_t before = break_now();
    CHECK(grow(1));
    check_run(1);
    CHECK(run.base >= before && run.base < before + GRANULE);
    CHECK_EQ(run.granules * GRANULE, KIB(256));  // the first step, more than need and pad
    CHECK_EQ(break_now(), region_end(run.region));
    struct region *region = run.region;
    size_t         last = 0, sum = run.granules * GRANULE;
    for (unsigned i = 0; i < 14; i++) {
        uintptr_t end = region_end(region);
        CHECK(grow(1));
        check_run(1);
        CHECK(run.region == region && run.base == end);
        CHECK_EQ(break_now(), region_end(region));
        CHECK(run.granules * GRANULE >= last);
        last = run.granules * GRANULE;
        sum += last;
    }
    CHECK_EQ(last, MIB(8));  // the last step
    CHECK_EQ(source->region_count, 1);
    CHECK_EQ(source->committed_bytes, sum);
    CHECK_EQ(region->committed, region->reserved);
}

static void need_and_pad(void) {
    start();
    CHECK_EQ(options_set(OPT_TOP_PAD, MIB(3) + 1), OPTION_OK);
    CHECK(grow(10));
    check_run(10);
    CHECK_EQ(run.granules, 10 + 48 + 1);
    CHECK_EQ(options_set(OPT_TOP_PAD, 0), OPTION_OK);
    CHECK(grow(300));
    CHECK_EQ(run.granules, 300);
}

// Others moved the break between two calls: a region of its own behind theirs, nothing lost.
static void foreign_move_between(void) {
    start();
    CHECK(grow(1));
    check_run(1);
    struct source_run first = run;
    fake_break_foreign(12345);
    uintptr_t theirs = break_now();
    CHECK(grow(2));
    check_run(2);
    CHECK(run.region != first.region && run.base >= theirs);
    CHECK_EQ(source->region_count, 2);
    CHECK(is_intact(&first));
    // What is behind us is not ours to cut.
    CHECK_EQ(source->shrink(source, first.region, first.base), 0);
    fake_break_foreign(16);
    CHECK_EQ(source->shrink(source, run.region, run.base), 0);
    CHECK(is_intact(&run));
    struct source_run second = run;
    CHECK(grow(1));
    check_run(1);
    CHECK_EQ(source->region_count, 3);
    CHECK(is_intact(&first) && is_intact(&second));
}

// Others move it just before our `nth` move, between our look and that move; by any distance.
static struct {
    bool     has_top;
    size_t   bytes;
    unsigned nth;
} amid;

static void foreign_move_amid(void) {
    start();
    struct source_run first = {NULL, 0, 0};
    if (amid.has_top) {
        CHECK(grow(1));
        check_run(1);
        first = run;
    }
    uintptr_t before = break_now();
    fake_break_foreign_before(amid.nth, (intptr_t)amid.bytes);
    CHECK(grow(3));  // the fake ends the test when their part is cut off
    check_run(3);
    if (amid.nth == 1)
        CHECK(run.region != first.region && run.base >= before + amid.bytes);
    if (amid.has_top)
        CHECK(is_intact(&first));
    CHECK(!source->exhausted);
    struct source_run second = run;
    for (unsigned i = 0; i < 3; i++) {
        CHECK(grow(5));
        check_run(5);
    }
    CHECK(is_intact(&second));
}

static void foreign_move_amid_any(void) {
    static const size_t distances[] = {16,      100,          4096,        GRANULE - 32,
                                       GRANULE, GRANULE + 16, 3 * GRANULE, 5 * GRANULE + 77};
    for (unsigned i = 0; i < ARRAY_COUNT(distances) * 6; i++) {
        amid.bytes = distances[i / 6];
        amid.has_top = i % 2;
        amid.nth = 1 + i / 2 % 3;
        CASE(foreign_move_amid);
    }
}

static void refusal_exhausts(void) {
    start();
    fake_break_place(16, MIB(1) + 20 * GRANULE);
    size_t sum = 0;
    while (grow(4)) {
        check_run(4);
        sum += run.granules;
    }
    CHECK(source->exhausted);
    CHECK(sum > 30 && sum <= 36);  // in the end the need alone was taken
    CHECK_EQ(source->committed_bytes, sum * GRANULE);
    CHECK_EQ(break_now(), region_end(segment.top));
}

// The n-th move fails, and then works again: the caller gets memory or nothing has changed.
static unsigned failing_nth;

static void one_move_fails(void) {
    start();
    fake_fail(FAKE_BREAK, failing_nth, failing_nth % 2 ? 1 : UINT32_MAX);
    for (unsigned i = 0; i < 3; i++) {
        uintptr_t before = break_now();
        size_t    committed = source->committed_bytes;
        if (grow(2)) {
            check_run(2);
        } else {
            CHECK(source->exhausted);
            CHECK_EQ(break_now(), before);
            CHECK_EQ(source->committed_bytes, committed);
        }
    }
    CHECK_EQ(source->exhausted, failing_nth % 2 == 0);  // one refusal is no end: less is asked for
}

static void nth_move_fails(void) {
    for (failing_nth = 1; failing_nth <= 3; failing_nth++)
        CASE(one_move_fails);
}

static void shrinks_while_ours(void) {
    start();
    CHECK(grow(64));
    check_run(64);
    uintptr_t      base = run.base;
    struct region *region = run.region;
    CHECK_EQ(source->shrink(source, region, base + 40 * GRANULE), (run.granules - 40) * GRANULE);
    CHECK_EQ(break_now(), base + 40 * GRANULE);
    CHECK_EQ(source->committed_bytes, 40 * GRANULE);
    CHECK(test_is_filled((void *)base, 40 * GRANULE, base));
    fake_fail(FAKE_BREAK, 1, 1);
    CHECK_EQ(source->shrink(source, region, base), 0);
    CHECK_EQ(region->committed, 40 * GRANULE);
    CHECK_EQ(source->shrink(source, region, base), 40 * GRANULE);
    CHECK_EQ(break_now(), base);
    CHECK_EQ(source->region_count, 0);
    CHECK(list_is_empty(&source->regions));
    CHECK(grow(1));  // the segment is taken up again, in small steps
    check_run(1);
    CHECK_EQ(run.base, base);
    CHECK_EQ(run.granules * GRANULE, KIB(256));
}

static void never_releases(void) {
    start();
    CHECK(grow(1));
    CHECK(!source->release(source, run.region));
    CHECK_EQ(source->region_count, 1);
}

// Without a record for the region the break goes back where it was.
static void no_record(void) {
    static struct source other;
    start();
    list_init(&other.regions);
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    while (region_new(&other, 0, 0) != NULL) {
    }
    uintptr_t before = break_now();
    CHECK(!grow(1));
    CHECK_EQ(break_now(), before);
    CHECK_EQ(source->region_count, 0);
}

int main(void) {
    CASE(grows_in_steps);
    CASE(need_and_pad);
    CASE(foreign_move_between);
    foreign_move_amid_any();
    CASE(refusal_exhausts);
    nth_move_fails();
    CASE(shrinks_while_ours);
    CASE(never_releases);
    CASE(no_record);
    return 0;
}
