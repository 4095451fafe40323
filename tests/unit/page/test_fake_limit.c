// unit/page/test_fake_limit.c - what counts, who may take more, when a trim is due.
#include "page/limit.h"

#include "conf/counters.h"
#include "page/meta.h"
#include "tests/support/fake_os.h"
#include "tests/unit/cases.h"

static const uint64_t second = 1000000000;

static struct page_gauge gauge;

static void start(uint64_t soft, uint64_t hard) {
    fake_reset();
    gauge = (struct page_gauge){0};
    counters_process = (struct counters){0};
    limit_start(&gauge, soft, hard);
}

// Makes the heap count `bytes`, whatever the records take of it.
static void use(uint64_t bytes) {
    gauge.slab_bytes = bytes - meta_bytes();
}

static void off_does_nothing(void) {
    start(0, 0);
    gauge.dirty_bytes = GIB(100);
    CHECK(!limit_is_set());
    CHECK(limit_reserve(UINT64_MAX));
    limit_release(UINT64_MAX);
    CHECK_EQ(limit_excess(), 0);
}

static void every_part_counts(void) {
    static const enum counter_id parts[] = {COUNTER_large_bytes, COUNTER_huge_bytes,
                                            COUNTER_slack_bytes, COUNTER_huge_cached_bytes,
                                            COUNTER_guarded_bytes};
    start(MIB(100), 0);
    uint64_t sum = limit_used();
    gauge.dirty_bytes = MIB(1);
    CHECK_EQ(limit_used(), sum + MIB(1));
    gauge.slab_bytes = MIB(2);
    CHECK_EQ(limit_used(), sum + MIB(3));
    for (unsigned i = 0; i < ARRAY_COUNT(parts); i++)
        counters_add(&counters_process, parts[i], MIB(1) << i);
    CHECK_EQ(limit_used(), sum + MIB(34));
    CHECK(meta_forever(MIB(1)) != NULL);
    CHECK_EQ(limit_used(), sum + MIB(35));
    gauge.dirty_bytes = 0;
    gauge.slab_bytes = (uint64_t)-MIB(64);  // two halves of a move, seen in the wrong order
    CHECK_EQ(limit_used(), 0);
}

static void soft_limit(void) {
    start(MIB(64), 0);
    use(MIB(64));
    CHECK_EQ(limit_excess(), 0);
    CHECK_EQ(limit_slack(), MIB(1));
    use(MIB(70));
    CHECK_EQ(limit_excess(), MIB(6));
    CHECK(limit_reserve(GIB(100)));  // refuses nothing
    limit_release(GIB(100));
    CHECK(limit_is_close());
    use(MIB(56));
    CHECK(!limit_is_close());
    use(MIB(57));
    CHECK(limit_is_close());
    start(0, MIB(64));
    use(MIB(70));
    CHECK_EQ(limit_excess(), 0);
    start(MIB(1), 0);
    CHECK_EQ(limit_slack(), KIB(64));
}

static void hard_limit(void) {
    start(0, MIB(64));
    use(MIB(60));
    CHECK(limit_reserve(MIB(3)));
    CHECK_EQ(limit_used(), MIB(63));
    CHECK(!limit_reserve(MIB(1) + 1));  // what is on its way counts
    CHECK(limit_reserve(MIB(1)));
    CHECK(!limit_reserve(1));
    limit_release(MIB(3));
    CHECK(limit_reserve(MIB(3)));
    limit_release(MIB(4));
    CHECK_EQ(limit_used(), MIB(60));
    CHECK(!limit_reserve(UINT64_MAX) && !limit_reserve(INT64_MAX));
    CHECK_EQ(limit_used(), MIB(60));
    CHECK(limit_is_close());
}

// What changes hands counts without a question; a forked child has none of it.
static void held(void) {
    start(0, MIB(64));
    use(MIB(60));
    CHECK(!limit_is_in_flux());
    limit_hold(MIB(10));
    CHECK_EQ(limit_used(), MIB(70));
    CHECK(limit_is_in_flux() && !limit_reserve(1));
    limit_release(MIB(10));
    CHECK(!limit_is_in_flux() && limit_reserve(MIB(4)));
    limit_fork_child();
    CHECK(!limit_is_in_flux() && limit_reserve(MIB(4)));
    start(MIB(64), 0);
    limit_hold(MIB(10));
    CHECK(!limit_is_in_flux());
}

// Once a second, or when more came into use; never within the limit.
static void trims(void) {
    start(MIB(64), 0);
    use(MIB(60));
    CHECK(!limit_trim_is_due(second));
    use(MIB(70));
    CHECK(limit_trim_is_due(second));
    limit_trimmed();
    CHECK(!limit_trim_is_due(second) && !limit_trim_is_due(2 * second - 1));
    CHECK(limit_trim_is_due(2 * second));
    CHECK(!limit_trim_is_due(2 * second));
    limit_trimmed();
    use(MIB(72) - 1);
    CHECK(!limit_trim_is_due(2 * second));
    use(MIB(72));
    CHECK(limit_trim_is_due(2 * second));
    CHECK(!limit_trim_is_due(2 * second));  // until it is done
    limit_trimmed();
    CHECK(!limit_trim_is_due(2 * second));
    use(MIB(64));
    CHECK(!limit_trim_is_due(9 * second));
}

int main(void) {
    off_does_nothing();
    every_part_counts();
    soft_limit();
    hard_limit();
    held();
    trims();
    return 0;
}
