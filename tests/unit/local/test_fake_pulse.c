// unit/local/test_fake_pulse.c - how often allocations are sampled; batches that end before one.
#include "local/pulse.h"

#include "tests/support/fake_os.h"
#include "tests/unit/local/caches.h"

enum { DRAWS = 40000 };

static void set_rate(uint64_t rate) {
    options_page.values[OPT_GUARD] = rate;
}

static uint64_t mean_of_draws(size_t bytes) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < DRAWS; i++)
        sum += pulse_draw(bytes);
    return sum / DRAWS;
}

// The deviation of the mean is a two hundredth: eight of these.
static void check_about(uint64_t mean, uint64_t expected) {
    CHECK(mean * 100 >= expected * 96 && mean * 100 <= expected * 104);
}

static void the_mean_is_the_rate(void) {
    set_rate(OPTION_SHARE + 5000);
    check_about(mean_of_draws(64), 5000);
    set_rate(MIB(1));
    check_about(mean_of_draws(64), MIB(1) / 64);
    check_about(mean_of_draws(1024), 1024);
    CHECK_EQ(mean_of_draws(MIB(2)), 1);
    set_rate(OPTION_SHARE + 1);
    CHECK_EQ(mean_of_draws(64), 1);
}

// Of numbers drawn from an exponential distribution 1 - 1/e are below the mean, 1/e^2 above twice.
static void no_period_hides(void) {
    unsigned below = 0, above = 0;
    set_rate(OPTION_SHARE + 5000);
    for (unsigned i = 0; i < DRAWS; i++) {
        uint32_t drawn = pulse_draw(64);
        below += drawn <= 5000;
        above += drawn > 10000;
    }
    CHECK(below * 100 / DRAWS >= 59 && below * 100 / DRAWS <= 67);
    CHECK(above * 100 / DRAWS >= 10 && above * 100 / DRAWS <= 17);
}

static void high_rates_count_every_call(void) {
    set_rate(0);
    CHECK(!pulse_is_on() && !pulse_counts_calls());
    set_rate(OPTION_SHARE + PULSE_EVERY_CALL);
    CHECK(pulse_is_on() && pulse_counts_calls());
    set_rate(OPTION_SHARE + PULSE_EVERY_CALL + 1);
    CHECK(!pulse_counts_calls());
    set_rate(PULSE_EVERY_CALL_BYTES);
    CHECK(pulse_counts_calls());
    set_rate(PULSE_EVERY_CALL_BYTES + 1);
    CHECK(!pulse_counts_calls());
    set_rate(OPTION_SHARE + 1);
    CHECK(pulse_strikes(64));
    unsigned strikes = 0;
    set_rate(OPTION_SHARE + 10);
    for (unsigned i = 0; i < DRAWS; i++)
        strikes += pulse_strikes(64);
    CHECK(strikes >= DRAWS / 10 * 9 / 10 && strikes <= DRAWS / 10 * 11 / 10);
    strikes = 0;
    set_rate(KIB(4));
    for (unsigned i = 0; i < DRAWS; i++)
        strikes += pulse_strikes(512);
    CHECK(strikes >= DRAWS / 8 * 9 / 10 && strikes <= DRAWS / 8 * 11 / 10);
    CHECK(pulse_strikes(KIB(4)));
}

// A burst, then one in PULSE_NS, however many come; what was not used up is a burst again.
static void samples_wait_for_time(void) {
    uint64_t due = 0, now = 5000000000, taken = 0;
    set_rate(OPTION_SHARE + 5000);
    for (unsigned i = 0; i < 1000; i++)
        taken += !pulse_is_early(&due, now);
    CHECK_EQ(taken, PULSE_BURST + 1);
    for (unsigned i = 0; i < 100000; i++)
        taken += !pulse_is_early(&due, now += PULSE_NS / 100);
    CHECK_EQ(taken, PULSE_BURST + 1 + 1000);
    now += 1000 * (uint64_t)PULSE_NS;
    for (taken = 0; !pulse_is_early(&due, now); taken++) {
    }
    CHECK_EQ(taken, PULSE_BURST + 1);
    set_rate(OPTION_SHARE + PULSE_EVERY_CALL);
    CHECK(!pulse_is_early(&due, now));
}

// A thread that frees nothing: of all its slots, handed in batches, one in a hundred and the sample
// itself. While it starts it is served without a draw; that is no sample never to come.
static void batches_end_before_a_sample(void) {
    fake_reset();
    arena_start(1, 0, 0);
    set_rate(OPTION_SHARE + 100);
    struct cache *cache = caches_new();
    class_id      id = size_class_of(64);
    unsigned      samples = 0;
    CHECK(cache_refill(cache, id) != NULL);
    CHECK_EQ(cache->classes[id].until, 0);
    for (unsigned i = 0; i < DRAWS; i++)
        if (*cache->top[id] != NULL)
            cache->top[id]--;
        else if (cache_meets_sample(cache, id))
            samples++;
        else
            CHECK(cache_refill(cache, id) != NULL);
    CHECK(samples >= DRAWS / 100 * 6 / 10 && samples <= DRAWS / 100 * 14 / 10);
    set_rate(0);
    caches_delete(cache);
}

int main(void) {
    pulse_start(12345);
    the_mean_is_the_rate();
    no_period_hides();
    high_rates_count_every_call();
    samples_wait_for_time();
    batches_end_before_a_sample();
    return 0;
}
