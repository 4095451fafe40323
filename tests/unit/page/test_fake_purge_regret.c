// unit/page/test_fake_purge_regret.c - what was given back too early, and for how long that counts,
// with an invented clock.
#include "conf/counters.h"
#include "tests/unit/page/purges.h"

static uint64_t regret(void) {
    return purge_allowance(p, os_now_ns()) - MIB(8);
}

// Demand that is there keeps it; half a second after the last of it, it goes within another half.
static void regret_fades_when_demand_is_over(void) {
    start(second);
    p->gauge.demand = MIB(80);
    p->gauge.missed_bytes = MIB(16);
    CHECK_EQ(regret(), MIB(64));
    for (unsigned i = 0; i < 40; i++) {
        p->high_bytes = MIB(64);
        p->low_bytes = 0;
        p->gauge.demand = MIB(80);
        fake_advance(second / 8);
        p->gauge.reused_bytes += i % 4 == 0 ? MIB(5) : 0;
        CHECK_EQ(regret(), MIB(64));
    }
    fake_advance(second / 8);
    p->gauge.reused_bytes += MIB(5);
    CHECK_EQ(regret(), MIB(64));
    p->regret_ns = os_now_ns();  // the other clock is far
    for (unsigned i = 0; i < 4; i++) {
        fake_advance(second / 8);
        p->gauge.reused_bytes += KIB(512);  // little
        CHECK_EQ(regret(), MIB(64));
    }
    fake_advance(second / 8 - 1);
    CHECK_EQ(regret(), MIB(64));
    fake_advance(1);
    CHECK_EQ(regret(), MIB(32));
    CHECK_EQ(regret(), MIB(32));
    fake_advance(second / 8);
    CHECK_EQ(regret(), MIB(16));
    fake_advance(second / 8);
    CHECK_EQ(regret(), MIB(8));
}

// What was little then is not much later, because less is regretted.
static void use_counts_when_it_happens(void) {
    start(second);
    p->gauge.demand = MIB(80);
    p->gauge.missed_bytes = MIB(16);
    fake_advance(second / 8);
    CHECK_EQ(regret(), MIB(64));
    p->regret_ns = os_now_ns();
    for (unsigned i = 0; i < 2; i++) {
        fake_advance(second / 8);
        p->gauge.reused_bytes += KIB(900);
        CHECK_EQ(regret(), MIB(64));
    }
    p->regret = MIB(16);
    fake_advance(second / 4);
    CHECK_EQ(regret(), MIB(16));
    fake_advance(second / 8);
    CHECK_EQ(regret(), MIB(8));
}

// It keeps what demand could come back for, beside what is resident: no more.
static void regret_is_no_more_than_demand(void) {
    start(second);
    p->gauge.missed_bytes = MIB(100);
    p->gauge.demand = MIB(50);
    CHECK_EQ(regret(), MIB(50));
    p->gauge.active_bytes = MIB(45);
    CHECK_EQ(regret(), MIB(5));
    p->gauge.slack_bytes = MIB(10);
    page_gauge_note_demand(&p->gauge);
    CHECK_EQ(p->gauge.demand, MIB(50));
    p->gauge.slack_bytes = 0;
    page_gauge_note_demand(&p->gauge);
    CHECK_EQ(p->gauge.demand, MIB(45) * 5 / 4);
    p->gauge.active_bytes = MIB(60);
    CHECK_EQ(regret(), 0);
    p->gauge.active_bytes = 0;
    p->high_bytes = MIB(200);
    p->gauge.reused_bytes += MIB(200);
    fake_advance(second);
    CHECK_EQ(regret(), MIB(45) * 5 / 4);  // the second before
    p->high_bytes = MIB(200);
    p->gauge.reused_bytes += MIB(200);
    fake_advance(second);
    CHECK_EQ(regret(), 0);
}

// What is in use needs a quarter more beside it, long spans and huge blocks a half.
static void long_spans_leave_longer_gaps(void) {
    start(second);
    p->gauge.missed_bytes = MIB(100);
    page_gauge_long(&p->gauge, 0, LONG_BYTES - 1);
    CHECK_EQ(p->gauge.long_bytes, 0);
    page_gauge_long(&p->gauge, LONG_BYTES - 1, MIB(20));
    CHECK_EQ(p->gauge.long_bytes, MIB(20));
    p->gauge.active_bytes = MIB(24);
    page_gauge_note_demand(&p->gauge);
    CHECK_EQ(p->gauge.demand, MIB(24) + MIB(6) + MIB(5));
    counters_process.value[COUNTER_huge_bytes] = MIB(8);
    page_gauge_note_demand(&p->gauge);
    CHECK_EQ(p->gauge.demand, MIB(32) + MIB(8) + MIB(7));
    CHECK_EQ(regret(), MIB(47) - MIB(32));
    page_gauge_long(&p->gauge, MIB(20), LONG_BYTES);
    CHECK_EQ(p->gauge.long_bytes, LONG_BYTES);
    page_gauge_long(&p->gauge, LONG_BYTES, 0);
    CHECK_EQ(p->gauge.long_bytes, 0);
    counters_process.value[COUNTER_huge_bytes] = 0;
}

// Of many threads less than may always be kept is not regretted before it comes again.
static void little_is_not_regretted(void) {
    start(second);
    page_gauge_caches.areas = MANY_CACHES;
    p->gauge.demand = MIB(80);
    p->gauge.missed_bytes = MIB(2);
    CHECK_EQ(regret(), 0);
    p->gauge.missed_bytes += 1;
    CHECK_EQ(regret(), MIB(8) + 4);
    page_gauge_caches.areas = MANY_CACHES - 1;
    p->gauge.missed_bytes = 0;
    start(second);
    p->gauge = (struct page_gauge){.demand = MIB(80), .missed_bytes = MIB(1)};
    CHECK_EQ(regret(), MIB(4));
    page_gauge_caches.areas = 0;
}

int main(void) {
    CASE(regret_fades_when_demand_is_over);
    CASE(use_counts_when_it_happens);
    CASE(regret_is_no_more_than_demand);
    CASE(long_spans_leave_longer_gaps);
    CASE(little_is_not_regretted);
    return 0;
}
