// unit/base/test_decay.c - the curve over one period, with invented time.
#include "base/decay.h"
#include "tests/support/test.h"

enum { PERIOD = 3200 };  // one step is 100
static const uint64_t batch = (uint64_t)1 << 40;

static struct decay decay;

static void test_curve(void) {
    uint64_t last = batch;
    decay_init(&decay, PERIOD, 1000);
    decay_add(&decay, batch, 1000);
    CHECK(decay_limit(&decay, 1000) == batch);
    CHECK(decay_limit(&decay, 1099) == batch);  // inside the first step
    for (uint64_t now = 1100; now <= 1000 + PERIOD; now += 100) {
        uint64_t limit = decay_limit(&decay, now);
        CHECK(limit <= last);
        last = limit;
    }
    CHECK(last == 0);
    CHECK(decay_limit(&decay, UINT64_MAX) == 0);
}

// 3x^2 - 2x^3 is 1/2 in the middle, 5/32 after a quarter: exact in the fixed point of the module.
static void test_points(void) {
    decay_init(&decay, PERIOD, 0);
    decay_add(&decay, batch, 0);
    CHECK(decay_limit(&decay, PERIOD / 4) == batch / 32 * 27);
    CHECK(decay_limit(&decay, PERIOD / 2) == batch / 2);
    CHECK(decay_limit(&decay, PERIOD / 4 * 3) == batch / 32 * 5);
}

static void test_batches_add_up(void) {
    decay_init(&decay, PERIOD, 0);
    decay_add(&decay, batch, 0);
    decay_add(&decay, batch, PERIOD / 2);
    CHECK(decay_limit(&decay, PERIOD / 2) == batch + batch / 2);
    CHECK(decay_limit(&decay, PERIOD) == batch / 2);  // the first is gone
    CHECK(decay_limit(&decay, PERIOD / 2 * 3) == 0);
}

static void test_odd_clocks(void) {
    decay_init(&decay, PERIOD, 5000);
    decay_add(&decay, 100, 4000);  // backwards: no time passed
    CHECK_EQ(decay_limit(&decay, 10), 100);
    CHECK_EQ(decay_limit(&decay, 5000), 100);
    decay_init(&decay, 0, 0);  // nothing may stay
    decay_add(&decay, 100, 0);
    CHECK_EQ(decay_limit(&decay, 0), 0);
    decay_init(&decay, 10, 0);  // too short to cut into steps: the same
    decay_add(&decay, 100, 0);
    CHECK_EQ(decay_limit(&decay, 0), 0);
}

// The share of any amount, small ones and those near 2^64 included, is never above it.
static void test_amounts(void) {
    for (unsigned shift = 0; shift < 60; shift++) {
        uint64_t bytes = ((uint64_t)1 << shift) + 1;
        decay_init(&decay, PERIOD, 0);
        decay_add(&decay, bytes, 0);
        CHECK(decay_limit(&decay, 0) == bytes);
        for (uint64_t now = 100; now < PERIOD; now += 100)
            CHECK(decay_limit(&decay, now) <= bytes);
    }
}

// Steps taken one by one and in one leap end at the same figure.
static void test_leaps(void) {
    struct decay slow;
    decay_init(&decay, PERIOD, 0);
    decay_init(&slow, PERIOD, 0);
    decay_add(&decay, batch, 0);
    decay_add(&slow, batch, 0);
    for (uint64_t now = 0; now <= 1750; now += 7)
        decay_limit(&slow, now);
    CHECK(decay_limit(&slow, 1750) == decay_limit(&decay, 1750));
}

int main(void) {
    test_watchdog(60);
    test_curve();
    test_points();
    test_batches_add_up();
    test_odd_clocks();
    test_amounts();
    test_leaps();
    return 0;
}
