// unit/base/test_prng.c - the generator is reproducible, bounded and evenly spread.
#include "base/prng.h"
#include "tests/support/test.h"

static void test_sequence(void) {
    struct prng a = {42}, b = {42}, c = {43};
    unsigned    equal = 0;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t value = prng_next(&a);
        CHECK(value == prng_next(&b));
        equal += value == prng_next(&c);
    }
    CHECK_EQ(equal, 0);
}

static void test_bounds(void) {
    struct prng prng = {0};
    for (uint32_t bound = 1; bound < 5000; bound++)
        CHECK(prng_below(&prng, bound) < bound);
    for (unsigned i = 0; i < 1000; i++)
        CHECK_EQ(prng_below(&prng, 1), 0);
    CHECK(prng_below(&prng, UINT32_MAX) < UINT32_MAX);
}

// 100,000 draws into 10 boxes: standard deviation 95, so 600 away is no accident.
static void test_spread(void) {
    struct prng prng = {1};
    unsigned    boxes[10] = {0};
    for (unsigned i = 0; i < 100000; i++)
        boxes[prng_below(&prng, 10)]++;
    for (unsigned i = 0; i < 10; i++)
        CHECK(boxes[i] > 9400 && boxes[i] < 10600);
}

int main(void) {
    test_watchdog(60);
    test_sequence();
    test_bounds();
    test_spread();
    return 0;
}
