// unit/heap/test_fake_huge.c - mappings of their own and the cache of freed ones.
//
// Resizing is in test_fake_huge_resize.c.
#include "heap/huge.h"

#include "conf/counters.h"
#include "conf/options.h"
#include "page/limit.h"
#include "tests/unit/pages.h"

static const uint64_t second = 1000000000;

static uint64_t figure(enum counter_id id) {
    return counters_process.value[id];
}

// From here on the store has records and the map its leaf.
static void start(void) {
    fake_reset();
    CHECK_EQ(options_set(OPT_HUGE_THRESHOLD, MIB(1)), OPTION_OK);  // said: nothing is learned
    struct span *span = huge_take(MIB(1), 1);
    CHECK(span != NULL);
    huge_give(span);
    CHECK(huge_evict(UINT64_MAX) > 0);
    CHECK_EQ(huge_cached_count(), 0);
    fake_forget();
}

static struct span *take(size_t bytes);

static void the_threshold_learns(void) {
    fake_reset();
    CHECK_EQ(options_origin(OPT_HUGE_THRESHOLD), ORIGIN_DEFAULT);
    struct span *one = take(MIB(5)), *two = take(MIB(30));
    huge_give(one);
    CHECK_EQ(huge_cached_count(), 1);
    one = huge_reuse(MIB(4), 1);  // fits: nothing is learned
    CHECK(one != NULL && huge_threshold() == MIB(1));
    huge_give(one);
    CHECK(huge_reuse(MIB(100), 1) == NULL && huge_threshold() == MIB(1));  // too large to learn by
    CHECK(huge_reuse(MIB(20), 1) == NULL);
    CHECK_EQ(huge_threshold(), MIB(64));
    CHECK_EQ(huge_cached_count(), 0);
    huge_give(two);  // the arenas serve this size from here on
    CHECK_EQ(huge_cached_count(), 0);
    CHECK_EQ(options_set(OPT_HUGE_CACHE, MIB(100)), OPTION_OK);
    huge_give(take(MIB(80)));
    CHECK_EQ(huge_cached_count(), 1);
    CHECK_EQ(huge_evict(UINT64_MAX), MIB(80));
    CHECK_EQ(options_set(OPT_HUGE_THRESHOLD, MIB(6)), OPTION_OK);
    CHECK_EQ(huge_threshold(), MIB(6));  // said, not learned
    huge_give(take(MIB(20)));
    CHECK_EQ(huge_cached_count(), 1);
    CHECK(huge_reuse(MIB(10), 1) == NULL);
    CHECK_EQ(huge_cached_count(), 1);
    CHECK_EQ(huge_evict(UINT64_MAX), MIB(20));
}

// However the threshold came about: the mappings are the program's, too.
static void many_mappings_raise_it(void) {
    const uint64_t many = 16000;
    start();
    struct span *span = take(MIB(20));
    counters_add(&counters_process, COUNTER_mappings, many - 2);
    CHECK_EQ(huge_threshold(), MIB(1));
    counters_add(&counters_process, COUNTER_mappings, 1);
    CHECK_EQ(huge_threshold(), MIB(64));
    huge_give(span);  // unmapped at once
    CHECK_EQ(huge_cached_count(), 0);
    CHECK_EQ(huge_threshold(), MIB(1));
    counters_sub(&counters_process, COUNTER_mappings, many - 1);
}

static struct span *take(size_t bytes) {
    struct span *span = huge_reuse(bytes, 1);
    if (!span)
        span = huge_take(bytes, 1);
    CHECK(span != NULL);
    CHECK_EQ(span->kind, SPAN_HUGE);
    CHECK_EQ(span->bytes, align_up(bytes, 4096));
    CHECK(span_bytes(span) >= span->bytes && is_aligned(span->base, GRANULE));
    CHECK(has_classes(span, CLASS_HUGE, CLASS_INSIDE));
    CHECK(page_map_span(span->base) == span && page_map_span(span_end(span) - 1) == span);
    CHECK(fake_is_committed((void *)span->base, span_bytes(span)));
    return span;
}

static void one_mapping_a_block(void) {
    start();
    size_t       mapped = fake_mapped_bytes();
    struct span *span = take(MIB(3) + 1);
    CHECK_EQ(span->state, SPAN_CLEAN);
    CHECK_EQ(span_bytes(span), MIB(3) + GRANULE);
    CHECK(strcmp(fake_name_at((void *)span->base), "tidemalloc huge") == 0);
    CHECK_EQ(fake_mapped_bytes(), mapped + span_bytes(span));
    CHECK_EQ(figure(COUNTER_huge_blocks), 1);
    CHECK_EQ(figure(COUNTER_huge_bytes), MIB(3) + 4096);
    CHECK_EQ(figure(COUNTER_mapped_bytes), MIB(3) + GRANULE);
    CHECK_EQ(figure(COUNTER_mappings), 1);
    test_fill((void *)span->base, span->bytes, 1);
    uintptr_t base = span->base;
    huge_give(span);
    CHECK_EQ(page_map_class(base), CLASS_FREE);  // a second free is told
    CHECK_EQ(page_map_class(base + MIB(3)), CLASS_FREE);
    CHECK_EQ(figure(COUNTER_huge_blocks), 0);
    CHECK_EQ(figure(COUNTER_huge_bytes), 0);
    CHECK_EQ(figure(COUNTER_huge_cached_bytes), MIB(3) + 4096);
    CHECK_EQ(huge_evict(UINT64_MAX), MIB(3) + 4096);
    CHECK_EQ(page_map_class(base), CLASS_NONE);
    CHECK_EQ(page_map_class(base + MIB(3)), CLASS_NONE);
    CHECK_EQ(fake_mapped_bytes(), mapped);
    CHECK_EQ(figure(COUNTER_huge_cached_bytes), 0);
    CHECK_EQ(figure(COUNTER_mapped_bytes), 0);
    CHECK_EQ(figure(COUNTER_mappings), 0);
}

static void alignments(void) {
    start();
    fake_align_exactly(true);
    for (size_t alignment = 1; alignment <= MIB(256); alignment *= 16) {
        struct span *span = huge_take(MIB(2), alignment);
        CHECK(span && is_aligned(span->base, alignment));
        CHECK_EQ(span_bytes(span), MIB(2));
    }
    // A freed mapping serves only where its address fits.
    huge_give(huge_take(MIB(5), GRANULE));
    CHECK(is_aligned(huge_take(MIB(5), MIB(64))->base, MIB(64)));
    CHECK_EQ(huge_cached_count(), 1);
}

static void reuse_within_a_quarter(void) {
    start();
    uintptr_t base = take(MIB(4))->base;
    huge_give(page_map_span(base));
    unsigned maps = fake_count(FAKE_MAP);
    CHECK(take(MIB(4) + 1)->base != base);  // too long
    CHECK(take(MIB(3) + 1)->base != base);  // more than a quarter of 3 MiB would be wasted
    CHECK_EQ(fake_count(FAKE_MAP), maps + 2);
    const size_t fitting = MIB(4) * 4 / 5;
    struct span *span = take(fitting + GRANULE);
    CHECK_EQ(span->base, base);
    CHECK_EQ(span->state, SPAN_DIRTY);
    CHECK_EQ(span_bytes(span), MIB(4));
    CHECK_EQ(fake_count(FAKE_MAP), maps + 2);
    CHECK_EQ(figure(COUNTER_huge_reuses), 1);
    CHECK_EQ(huge_cached_count(), 0);
    CHECK_EQ(figure(COUNTER_huge_cached_bytes), 0);
}

static void the_tightest_is_reused(void) {
    const size_t lengths[] = {40, 44, 42, 46};
    struct span *spans[4];
    start();
    for (unsigned i = 0; i < 4; i++)
        spans[i] = take(lengths[i] * GRANULE);
    for (unsigned i = 0; i < 4; i++)
        huge_give(spans[i]);
    const unsigned order[] = {2, 1, 3};
    for (unsigned i = 0; i < 3; i++)
        CHECK(take(41 * GRANULE) == spans[order[i]]);
    CHECK_EQ(huge_cached_count(), 1);
}

// A server that cycles buffers of one size maps once.
static void cycling_costs_no_call(void) {
    start();
    huge_give(take(MIB(15)));
    unsigned calls = fake_count(FAKE_ANY);
    for (unsigned i = 0; i < 1000; i++) {
        huge_give(take(MIB(15) - i * 100));
        fake_advance(second / 100);
    }
    CHECK_EQ(fake_count(FAKE_ANY), calls);
}

static void byte_budget(void) {
    struct span *spans[10];
    uintptr_t    bases[10];
    start();
    CHECK_EQ(options_set(OPT_HUGE_CACHE, MIB(10)), OPTION_OK);
    for (unsigned i = 0; i < 10; i++) {
        spans[i] = take(MIB(3));
        bases[i] = spans[i]->base;
    }
    for (unsigned i = 0; i < 10; i++) {
        huge_give(spans[i]);
        CHECK_LE(figure(COUNTER_huge_cached_bytes), MIB(10));
        CHECK_EQ(huge_cached_count(), i < 3 ? i + 1 : 3);
    }
    for (unsigned i = 0; i < 10; i++)  // the oldest are gone
        CHECK_EQ(page_map_class(bases[i]), i < 7 ? CLASS_NONE : CLASS_FREE);
    huge_give(take(MIB(11)));  // more than the budget alone: it goes, the others stay
    CHECK_EQ(huge_cached_count(), 3);
    CHECK_EQ(figure(COUNTER_huge_cached_bytes), MIB(9));
    CHECK_EQ(options_set(OPT_HUGE_CACHE, 0), OPTION_OK);
    huge_give(take(MIB(1)));
    CHECK_EQ(huge_cached_count(), 3);
    CHECK_EQ(huge_evict(0), MIB(9));  // what is above the budget, however young
    CHECK_EQ(huge_cached_count(), 0);
}

static void count_is_bounded(void) {
    static struct span *spans[200];
    start();
    CHECK_EQ(options_set(OPT_HUGE_CACHE, GIB(1)), OPTION_OK);
    for (unsigned i = 0; i < 200; i++)
        spans[i] = take(MIB(1));
    for (unsigned i = 0; i < 200; i++)
        huge_give(spans[i]);
    CHECK(huge_cached_count() > 10 && huge_cached_count() <= 64);
}

static void eviction_by_age(void) {
    start();
    struct span *a = take(MIB(2)), *b = take(MIB(2)), *c = take(MIB(2));
    huge_give(a);
    fake_advance(second / 2);
    huge_give(b);
    huge_tick(os_now_ns());
    CHECK_EQ(huge_cached_count(), 2);
    fake_advance(second / 2 + 1);
    huge_tick(os_now_ns());
    CHECK_EQ(huge_cached_count(), 1);
    fake_advance(second / 2);
    huge_give(c);  // giving is traffic too
    CHECK_EQ(huge_cached_count(), 1);
    unsigned calls = fake_count(FAKE_ANY);
    huge_tick(os_now_ns());
    CHECK_EQ(fake_count(FAKE_ANY), calls);
    fake_advance(2 * second);
    huge_tick(os_now_ns());
    CHECK_EQ(huge_cached_count(), 0);
    huge_tick(os_now_ns());
}

static void evict_until(void) {
    start();
    uint64_t     first = os_now_ns();
    struct span *spans[4];
    for (unsigned i = 0; i < 4; i++)
        spans[i] = take((i + 1) * MIB(1));
    for (unsigned i = 0; i < 4; i++) {
        huge_give(spans[i]);
        fake_advance(1000);
    }
    CHECK_EQ(huge_evict(first - 1), 0);
    CHECK_EQ(huge_evict(first + 1000), MIB(3));
    CHECK_EQ(huge_cached_count(), 2);
    CHECK_EQ(huge_evict(UINT64_MAX), MIB(7));
    CHECK_EQ(huge_evict(UINT64_MAX), 0);
}

// At the limit of mappings the pages go, and the empty mapping waits for its reuse.
static void unmap_fails(void) {
    start();
    struct span *span = take(MIB(4));
    uintptr_t    base = span->base;
    memset((void *)base, 1, MIB(4));
    huge_give(span);
    fake_fail(FAKE_UNMAP, 1, UINT32_MAX);
    CHECK_EQ(huge_evict(UINT64_MAX), MIB(4));  // of memory
    CHECK_EQ(huge_evict(UINT64_MAX), 0);
    CHECK_EQ(huge_cached_count(), 1);
    CHECK_EQ(fake_resident_in((void *)base, MIB(4)), 0);
    CHECK_EQ(figure(COUNTER_huge_cached_bytes), 0);
    CHECK_EQ(page_map_class(base), CLASS_FREE);
    span = take(MIB(4));
    CHECK(span->base == base && span->state == SPAN_CLEAN);
    CHECK(test_is_byte((void *)base, MIB(4), 0));
    fake_fail(FAKE_PURGE, 1, UINT32_MAX);
    memset((void *)base, 1, MIB(4));
    huge_give(span);
    CHECK_EQ(huge_evict(UINT64_MAX), 0);
    CHECK_EQ(take(MIB(4))->state, SPAN_DIRTY);
}

// A mapping that goes is missed as far as it was touched.
static void untouched_is_not_missed(void) {
    static struct purge purge;
    start();
    purge_init(&purge, 0, os_now_ns());
    huge_start(&purge);
    struct span *span = take(MIB(8));
    memset((void *)span->base, 1, MIB(2));
    huge_give(span);
    CHECK_EQ(huge_evict(UINT64_MAX), MIB(8));
    CHECK_EQ(purge.gauge.purged_bytes, MIB(2));
    CHECK(take(MIB(8)) != NULL);
    CHECK_EQ(purge.gauge.missed_bytes, MIB(2));
}

// At the hard limit a reuse asks for what the mapping lacks; nothing stays reserved.
static void reuse_within_the_limit(void) {
    static struct page_gauge gauge;
    start();
    counters_process = (struct counters){0};
    limit_start(&gauge, 0, MIB(12));
    huge_give(take(MIB(4)));
    CHECK(limit_used() - meta_bytes() == MIB(4) && !limit_is_in_flux());
    fake_fail(FAKE_UNMAP, 1, UINT32_MAX);
    CHECK_EQ(huge_evict(UINT64_MAX), MIB(4));  // waits without a page
    CHECK(limit_used() == meta_bytes() && !limit_is_in_flux());
    gauge.slab_bytes = MIB(8) - meta_bytes();
    CHECK(huge_reuse(MIB(4) - KIB(4), 1) != NULL);
    huge_give(page_map_known_span((uintptr_t)fake_record(0)->address));
    CHECK(huge_evict(UINT64_MAX) > 0);
    gauge.slab_bytes += KIB(8);
    CHECK(huge_reuse(MIB(4) - KIB(4), 1) == NULL && huge_cached_count() == 1);
    CHECK(huge_reuse(MIB(4) - KIB(8), 1) != NULL);
    CHECK_EQ(limit_used(), MIB(12));
    CHECK(!limit_is_in_flux());
    limit_start(&gauge, 0, 0);
}

// One that cannot go does not keep the others.
static void others_go_though_one_stays(void) {
    start();
    struct span *stuck = take(MIB(2)), *other = take(MIB(3));
    huge_give(stuck);
    fake_advance(2 * second);
    fake_fail(FAKE_UNMAP, 1, 1);
    huge_tick(os_now_ns());
    CHECK_EQ(huge_cached_count(), 1);
    huge_give(other);
    for (unsigned i = 0; i < 4; i++) {
        fake_advance(2 * second);
        huge_tick(os_now_ns());
    }
    CHECK_EQ(huge_cached_count(), 0);
    CHECK_EQ(figure(COUNTER_mappings), 0);
}

static void no_memory(void) {
    start();
    size_t mapped = fake_mapped_bytes();
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    CHECK(huge_take(MIB(2), 1) == NULL);
    CHECK(huge_take(PTRDIFF_MAX, 1) == NULL);
    CHECK_EQ(fake_mapped_bytes(), mapped);
    CHECK_EQ(figure(COUNTER_huge_blocks) + figure(COUNTER_mappings), 0);
    fake_fail(FAKE_MAP, 1, 0);
    CHECK(huge_take(GIB(17), 1) == NULL);  // more than there is
    CHECK(huge_take(PTRDIFF_MAX, 1) == NULL);
    CHECK(huge_take(MIB(2), (size_t)1 << 62) == NULL);
    // What waits for reuse may be what is missing.
    huge_give(take(MIB(2)));
    fake_fail(FAKE_MAP, 1, 1);
    CHECK(take(MIB(3)) != NULL);
    CHECK_EQ(huge_cached_count(), 0);
}

// The n-th mapping of the first block fails: for the record, the block, or its leaf.
static unsigned failing_nth;

static void first_block_fails(void) {
    fake_reset();
    CHECK(page_map_prepare(GRANULE, 1));  // the leaf that needs no mapping is in use
    fake_fail(FAKE_MAP, failing_nth, UINT32_MAX);
    struct span *span = huge_take(MIB(2), 1);
    CHECK(span == NULL);
    CHECK_EQ(figure(COUNTER_mappings), 0);
    CHECK_EQ(fake_count(FAKE_UNMAP), failing_nth > 2);  // the block's own
    fake_fail(FAKE_MAP, 1, 0);
    take(MIB(2));
}

static void fork_keeps_it_usable(void) {
    start();
    huge_give(take(MIB(2)));
    huge_fork_prepare();
    huge_fork_parent();
    CHECK(take(MIB(2)) != NULL);
    huge_fork_prepare();
    huge_fork_child();
    huge_give(take(MIB(2)));
    CHECK_EQ(huge_cached_count(), 1);
}

int main(void) {
    CASE(the_threshold_learns);  // first: what was learned stays
    CASE(many_mappings_raise_it);
    CASE(one_mapping_a_block);
    CASE(alignments);
    CASE(reuse_within_a_quarter);
    CASE(the_tightest_is_reused);
    CASE(cycling_costs_no_call);
    CASE(byte_budget);
    CASE(count_is_bounded);
    CASE(eviction_by_age);
    CASE(evict_until);
    CASE(unmap_fails);
    CASE(untouched_is_not_missed);
    CASE(reuse_within_the_limit);
    CASE(others_go_though_one_stays);
    CASE(no_memory);
    for (failing_nth = 1; failing_nth <= 3; failing_nth++)
        CASE(first_block_fails);
    CASE(fork_keeps_it_usable);
    return 0;
}
