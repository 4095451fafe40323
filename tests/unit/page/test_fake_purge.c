// unit/page/test_fake_purge.c - the budget, its eighth, the decay with an invented clock, the
// going.
#include "conf/counters.h"
#include "page/page_heap_walk.h"
#include "tests/unit/page/purges.h"

static struct pages pages;

// --- the budget ---------------------------------------------------------------------------------

static void within_the_budget(void) {
    start(second);
    CHECK_EQ(purge_surplus(p, os_now_ns()), 0);
    p->gauge.dirty_bytes = MIB(8);
    CHECK_EQ(purge_surplus(p, os_now_ns()), 0);
    p->gauge.dirty_bytes = MIB(8) + 1;
    CHECK_EQ(purge_surplus(p, os_now_ns()),
             1 + MIB(1));  // and an eighth, so that the next free costs nothing
    p->gauge.dirty_bytes = MIB(100);
    CHECK_EQ(purge_surplus(p, os_now_ns()), MIB(92) + MIB(1));
}

static void share_of_what_is_in_use(void) {
    start(second);
    p->gauge.active_bytes = MIB(79);
    p->gauge.dirty_bytes = MIB(9);
    CHECK_EQ(purge_surplus(p, os_now_ns()), MIB(2));  // a tenth of 79 is less than the budget
    p->gauge.active_bytes = MIB(800);
    CHECK_EQ(purge_surplus(p, os_now_ns()), 0);
    p->gauge.dirty_bytes = MIB(80) + KIB(4);
    CHECK(purge_surplus(p, os_now_ns()) >= KIB(4) &&
          purge_surplus(p, os_now_ns()) <= KIB(8) + MIB(10));
    CHECK_EQ(options_set(OPT_PURGE_PERCENT, 100), OPTION_OK);
    CHECK_EQ(purge_surplus(p, os_now_ns()), 0);
    CHECK_EQ(options_set(OPT_PURGE_PERCENT, 0), OPTION_OK);
    CHECK_EQ(purge_surplus(p, os_now_ns()), MIB(72) + KIB(4) + MIB(1));
}

// What went inside slabs is in use, but not resident.
static void no_share_of_holes(void) {
    start(second);
    p->gauge.active_bytes = MIB(2000);
    p->gauge.hole_bytes = MIB(1200);
    p->gauge.dirty_bytes = MIB(80);
    CHECK_EQ(purge_surplus(p, os_now_ns()), 0);
    p->gauge.hole_bytes = MIB(1300);
    CHECK(purge_surplus(p, os_now_ns()) >= MIB(10));
    p->gauge.hole_bytes = MIB(2001);  // of another moment
    CHECK_EQ(purge_surplus(p, os_now_ns()), MIB(72) + MIB(1));
}

static void no_budget_at_all(void) {
    start(second);
    CHECK_EQ(options_set(OPT_PURGE_BUDGET, 0), OPTION_OK);
    CHECK_EQ(purge_surplus(p, os_now_ns()), 0);
    p->gauge.dirty_bytes = 4096;
    CHECK_EQ(purge_surplus(p, os_now_ns()), 4096);
}

// Freeing piece by piece above the budget: one purge an eighth of the budget, not one a piece.
static void few_purges(void) {
    start(second);
    unsigned purges = 0;
    for (unsigned i = 0; i < MIB(64) / KIB(64); i++) {
        p->gauge.dirty_bytes += KIB(64);
        size_t surplus = purge_surplus(p, os_now_ns());
        if (surplus > 0) {
            purges++;
            p->gauge.dirty_bytes -= surplus;
        }
        CHECK_LE(p->gauge.dirty_bytes, MIB(8));
    }
    CHECK(purges >= 50 && purges <= 57);  // 56 MiB, a bit more than 1 MiB each
}

// --- free slots of slabs ------------------------------------------------------------------------

static bool is_urgent;

static size_t holes(uint64_t slack, uint64_t missed) {
    return purge_hole_surplus(p, slack, missed, os_now_ns(), &is_urgent);
}

// Half the budget stays; of what is more a quarter goes, 4 MiB at least, and all when it is much.
static void a_part_of_the_free_slots_goes(void) {
    start(second);
    CHECK_EQ(holes(MIB(4), 0), 0);
    CHECK_EQ(holes(MIB(5), 0), MIB(1));
    CHECK_EQ(holes(MIB(10), 0), MIB(4));
    CHECK(!is_urgent);
    CHECK_EQ(holes(MIB(12), 0), MIB(4));
    CHECK_EQ(holes(MIB(12) + 1, 0), MIB(8) + 1);
    CHECK(is_urgent);
    p->gauge.active_bytes = MIB(8000);  // a budget of 800 MiB
    CHECK(holes(MIB(500), 0) >= MIB(25) && holes(MIB(500), 0) < MIB(26));
    CHECK(!is_urgent);
}

static void holes_are_regretted(void) {
    start(second);
    CHECK_EQ(holes(MIB(5), MIB(1)), 0);
    CHECK_EQ(holes(MIB(6), MIB(1)), MIB(1));
    CHECK_EQ(holes(MIB(7), MIB(100)), MIB(1));  // a quarter of the budget at most
    fake_advance(second);
    CHECK_EQ(holes(MIB(7), MIB(100)), MIB(2));
    purge_press(p, true);
    CHECK_EQ(holes(MIB(7), MIB(200)), MIB(7) - KIB(128));
    CHECK(is_urgent);
}

// A look is not lost because another thread learns: it takes what was known before.
static void holes_while_others_learn(void) {
    start(second);
    CHECK_EQ(holes(MIB(5), MIB(1)), 0);
    lock_acquire(&p->lock);
    CHECK_EQ(holes(MIB(6), MIB(2)), MIB(1));
    CHECK(holes(MIB(100), MIB(2)) == MIB(95) && is_urgent);
    lock_release(&p->lock);
    CHECK_EQ(holes(MIB(6), MIB(2)), 0);
}

static void no_holes_while_the_kernel_refuses(void) {
    start(second);
    p->pause_ns = os_now_ns() + 1;
    CHECK(holes(MIB(100), 0) == 0 && !is_urgent);
    fake_advance(1);
    CHECK(holes(MIB(100), 0) == MIB(96) && is_urgent);
}

// --- the decay ----------------------------------------------------------------------------------

static bool ticked;

// A tick's answer, and the answer is followed.
static size_t tick(uint64_t step_ns) {
    size_t bytes = 0;
    fake_advance(step_ns);
    ticked = purge_tick(p, os_now_ns(), &bytes);
    p->gauge.dirty_bytes -= bytes;
    return bytes;
}

static void drains_over_the_decay_time(void) {
    start(2 * second);
    p->gauge.dirty_bytes = MIB(4);
    CHECK_EQ(tick(0), 0);
    CHECK_EQ(tick(2 * second / 32 - 1), 0);  // not before a 32nd is over
    CHECK(!ticked);
    size_t at_half = 0;
    for (unsigned i = 0; i < 40; i++) {
        uint64_t before = p->gauge.dirty_bytes;
        tick(2 * second / 32);
        CHECK(ticked);
        CHECK_LE(p->gauge.dirty_bytes, before);
        if (i == 16)
            at_half = p->gauge.dirty_bytes;
    }
    CHECK(at_half > MIB(1) && at_half < MIB(3));
    CHECK_EQ(p->gauge.dirty_bytes, 0);
}

static void one_tick_after_a_long_time(void) {
    start(2 * second);
    p->gauge.dirty_bytes = MIB(4);
    CHECK_LE(tick(second / 8), KIB(128));  // from here on it is known
    CHECK(tick(second / 2) > 0);
    CHECK(tick(60 * second) > 0);
    CHECK_EQ(p->gauge.dirty_bytes, 0);
    CHECK_EQ(tick(second), 0);
}

// What became free now has its whole time, whatever went before.
static void young_memory_stays(void) {
    start(2 * second);
    p->gauge.dirty_bytes = MIB(4);
    for (unsigned i = 0; i < 30; i++)
        tick(2 * second / 32);
    CHECK_LE(p->gauge.dirty_bytes, KIB(256));
    p->gauge.dirty_bytes += MIB(4);
    for (unsigned i = 0; i < 3; i++)
        tick(2 * second / 32);
    CHECK(p->gauge.dirty_bytes > 7 * MIB(4) / 8);
}

// Memory that is used again and freed again is young again.
static void traffic_keeps_what_it_uses(void) {
    start(2 * second);
    for (unsigned i = 0; i < 320; i++) {
        p->gauge.dirty_bytes = 0;
        tick(2 * second / 64);
        p->gauge.dirty_bytes = MIB(4);
        CHECK_LE(tick(2 * second / 64), MIB(1));
    }
}

static void at_most_once_a_step(void) {
    start(2 * second);
    p->gauge.dirty_bytes = MIB(4);
    tick(second / 16);
    tick(second);
    p->gauge.dirty_bytes = MIB(4);
    for (unsigned i = 0; i < 1000; i++)
        CHECK(tick(second / 16000 - 1) == 0 && !ticked);
}

static void no_decay(void) {
    start(0);
    p->gauge.dirty_bytes = MIB(4);
    for (unsigned i = 0; i < 10; i++)
        CHECK(tick(second) == 0 && !ticked);
}

static void another_thread_is_at_it(void) {
    start(2 * second);
    p->gauge.dirty_bytes = MIB(4);
    tick(second / 16);
    lock_acquire(&p->lock);
    CHECK(tick(60 * second) == 0 && !ticked);
    lock_release(&p->lock);
    CHECK_EQ(tick(0), MIB(4));
}

// --- the going ----------------------------------------------------------------------------------

// Four dirty spans of 1 .. 4 granules, oldest first, walls between them.
static void start_heap(uintptr_t *bases) {
    struct span *spans[4];
    pages_start(&pages);
    purge_init(p, second, os_now_ns());
    for (unsigned i = 0; i < 4; i++) {
        spans[i] = take_block(&pages, i + 1);
        bases[i] = spans[i]->base;
        memset((void *)bases[i], 1, span_bytes(spans[i]));
        take_block(&pages, 1);
    }
    for (unsigned i = 0; i < 4; i++)
        page_heap_give(&pages.heap, spans[i], span_bytes(spans[i]), 0);
    fake_forget();
}

static void oldest_go_first(void) {
    uintptr_t bases[4];
    start_heap(bases);
    CHECK_EQ(purge_heap(p, &pages.heap, GRANULE + 1, PURGE_BUDGET), 3 * GRANULE);
    page_heap_check(&pages.heap);
    CHECK(fake_was_purged((void *)bases[0], GRANULE));
    CHECK(fake_was_purged((void *)bases[1], 2 * GRANULE));
    CHECK_EQ(fake_purged_bytes(), 3 * GRANULE);
    CHECK_EQ(fake_resident_in((void *)bases[0], GRANULE), 0);
    CHECK_EQ(pages.heap.dirty_bytes, 7 * GRANULE);
    CHECK_EQ(counters_process.value[COUNTER_purges], 1);  // two spans, one call
    CHECK_EQ(counters_process.value[COUNTER_purged_bytes], 3 * GRANULE);
    CHECK_EQ(purge_heap(p, &pages.heap, SIZE_MAX, PURGE_BUDGET), 7 * GRANULE);
    CHECK_EQ(purge_heap(p, &pages.heap, SIZE_MAX, PURGE_BUDGET), 0);
    CHECK_EQ(fake_count(FAKE_PURGE), 4);
    CHECK_EQ(pages.heap.dirty_bytes, 0);
    struct span *span = take_block(&pages, 4);
    CHECK_EQ(span->state, SPAN_CLEAN);
    CHECK(test_is_byte((void *)span->base, span_bytes(span), 0));
}

// Of a long span as much goes as is wanted, at its end; who takes it all misses that much, and a
// miss counts twice.
static void the_end_of_a_long_span_goes(void) {
    pages_start(&pages);
    purge_init(p, second, os_now_ns());
    CHECK_EQ(options_set(OPT_PURGE_BUDGET, 0), OPTION_OK);
    CHECK_EQ(options_set(OPT_PURGE_PERCENT, 0), OPTION_OK);
    struct span *span = take_block(&pages, 64);
    uintptr_t    base = span->base;
    take_block(&pages, 1);
    memset((void *)base, 1, 64 * GRANULE);
    page_heap_give(&pages.heap, span, 64 * GRANULE, 0);
    CHECK_EQ(purge_heap(p, &pages.heap, 16 * GRANULE, PURGE_BUDGET), 16 * GRANULE);
    page_heap_check(&pages.heap);
    CHECK(fake_was_purged((void *)(base + 48 * GRANULE), 16 * GRANULE));
    CHECK_EQ(fake_resident_in((void *)base, 64 * GRANULE), 48 * GRANULE);
    CHECK_EQ(pages.heap.dirty_bytes, 48 * GRANULE);
    CHECK_EQ(counters_process.value[COUNTER_purged_bytes], 16 * GRANULE);
    // Less than a MiB would stay.
    CHECK_EQ(purge_heap(p, &pages.heap, 40 * GRANULE, PURGE_BUDGET), 48 * GRANULE);
    span = take_block(&pages, 64);
    CHECK_EQ(span->base, base);
    CHECK_EQ(span->state, SPAN_CLEAN);
    memset((void *)base, 1, 64 * GRANULE);
    page_heap_give(&pages.heap, span, 64 * GRANULE, 0);
    CHECK_EQ(purge_heap(p, &pages.heap, 16 * GRANULE, PURGE_BUDGET), 16 * GRANULE);
    p->gauge.demand = MIB(10);
    uint64_t missed = pages.gauge.missed_bytes, allowance = purge_allowance(p, os_now_ns());
    p->gauge.missed_bytes += MIB(2) + 5;
    CHECK_EQ(purge_allowance(p, os_now_ns()), allowance + MIB(8) + 20);
    span = take_block(&pages, 64);
    CHECK_EQ(span->base, base);
    CHECK_EQ(span->state, SPAN_DIRTY);
    CHECK_EQ(pages.gauge.missed_bytes, missed + 16 * GRANULE);
}

// Of blocks that were not touched, or in part, the kernel knows what was resident: the figures
// after a purge are true, and what was not there is not missed.
static void untouched_is_not_missed(void) {
    pages_start(&pages);
    purge_init(p, second, os_now_ns());
    struct span *span = take_block(&pages, 64);
    uintptr_t    base = span->base;
    take_block(&pages, 1);
    for (unsigned i = 0; i < 64; i++)
        memset((void *)(base + i * GRANULE), 1, GRANULE / 4);
    page_heap_give(&pages.heap, span, 64 * GRANULE, 0);
    CHECK_EQ(purge_heap(p, &pages.heap, 16 * GRANULE, PURGE_BUDGET), 52 * GRANULE);
    page_heap_check(&pages.heap);
    CHECK_EQ(pages.heap.dirty_bytes, 12 * GRANULE);
    CHECK_EQ(fake_resident_in((void *)base, 64 * GRANULE), 12 * GRANULE);
    CHECK_EQ(pages.gauge.purged_bytes, 4 * GRANULE);
    CHECK_EQ(counters_process.value[COUNTER_purged_bytes], 4 * GRANULE);
    purge_heap(p, &pages.heap, SIZE_MAX, PURGE_BUDGET);
    CHECK_EQ(pages.gauge.purged_bytes, 16 * GRANULE);
    page_heap_give(&pages.heap, take_block(&pages, 64), 64 * GRANULE, 0);
    CHECK_EQ(pages.gauge.missed_bytes, 16 * GRANULE);
    CHECK_EQ(purge_heap(p, &pages.heap, SIZE_MAX, PURGE_BUDGET), 64 * GRANULE);
    page_heap_give(&pages.heap, take_block(&pages, 64), 64 * GRANULE, 0);
    CHECK_EQ(pages.gauge.missed_bytes, 16 * GRANULE);
}

// What the kernel refuses stays dirty; the rest is not tried in vain, and for a second nobody tries
// unasked.
static void refused_purge(void) {
    uintptr_t bases[4];
    start_heap(bases);
    CHECK_EQ(options_set(OPT_PURGE_BUDGET, 0), OPTION_OK);
    p->gauge.dirty_bytes = GRANULE;
    CHECK(purge_surplus(p, os_now_ns()) > 0);
    fake_fail(FAKE_PURGE, 2, 1);
    purge_heap(p, &pages.heap, SIZE_MAX, PURGE_BUDGET);
    page_heap_check(&pages.heap);
    CHECK_EQ(fake_count(FAKE_PURGE), 2);
    CHECK_EQ(pages.heap.dirty_bytes, 9 * GRANULE);
    CHECK_EQ(pages.gauge.dirty_bytes, 9 * GRANULE);
    CHECK_EQ(counters_process.value[COUNTER_purged_bytes], GRANULE);
    CHECK_EQ(purge_surplus(p, os_now_ns()), 0);
    CHECK(tick(second / 2) == 0 && !ticked);
    fake_advance(second / 2 + 1);
    CHECK(purge_surplus(p, os_now_ns()) > 0);
    CHECK(tick(0) == 0 && ticked);
    CHECK_EQ(purge_heap(p, &pages.heap, SIZE_MAX, PURGE_BUDGET), 9 * GRANULE);
    page_heap_check(&pages.heap);
    CHECK_EQ(pages.heap.dirty_bytes, 0);
}

int main(void) {
    CASE(within_the_budget);
    CASE(share_of_what_is_in_use);
    CASE(no_share_of_holes);
    CASE(no_budget_at_all);
    CASE(few_purges);
    CASE(a_part_of_the_free_slots_goes);
    CASE(holes_are_regretted);
    CASE(holes_while_others_learn);
    CASE(no_holes_while_the_kernel_refuses);
    CASE(drains_over_the_decay_time);
    CASE(one_tick_after_a_long_time);
    CASE(young_memory_stays);
    CASE(traffic_keeps_what_it_uses);
    CASE(at_most_once_a_step);
    CASE(no_decay);
    CASE(another_thread_is_at_it);
    CASE(oldest_go_first);
    CASE(the_end_of_a_long_span_goes);
    CASE(untouched_is_not_missed);
    CASE(refused_purge);
    return 0;
}
