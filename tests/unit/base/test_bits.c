// unit/base/test_bits.c - bits of one word against a loop, alignment and checked arithmetic.
#include "base/bits.h"
#include "tests/support/test.h"

static unsigned slow_count(uint64_t word) {
    unsigned count = 0;
    for (; word; word >>= 1)
        count += word & 1;
    return count;
}

static unsigned slow_highest(uint64_t word) {
    unsigned at = 0;
    while (word >>= 1)
        at++;
    return at;
}

static unsigned slow_lowest(uint64_t word) {
    unsigned at = 0;
    for (; !(word & 1); word >>= 1)
        at++;
    return at;
}

static void check_word(uint64_t word) {
    CHECK_EQ(bits_count(word), slow_count(word));
    if (word == 0)
        return;
    CHECK_EQ(bits_lowest(word), slow_lowest(word));
    CHECK_EQ(bits_highest(word), slow_highest(word));
    if (word > (uint64_t)1 << 63)
        return;
    uint64_t power = bits_round_up_power(word);
    CHECK(is_power_of_two(power) && power >= word && power / 2 < word);
}

static void test_words(void) {
    uint64_t seed = 1;
    check_word(0);
    check_word(UINT64_MAX);
    for (unsigned i = 0; i < 64; i++) {
        check_word((uint64_t)1 << i);
        check_word(((uint64_t)1 << i) - 1);
        check_word(((uint64_t)1 << i) + 1);
        for (unsigned round = 0; round < 100; round++)
            check_word(test_random(&seed) >> i);
    }
    CHECK_EQ(bits_round_up_power(0), 1);
}

static void test_low_mask(void) {
    CHECK(bits_low_mask(0) == 0);
    for (unsigned i = 1; i <= 64; i++) {
        CHECK_EQ(bits_count(bits_low_mask(i)), i);
        CHECK_EQ(bits_highest(bits_low_mask(i)), i - 1);
    }
    CHECK(bits_low_mask(65) == UINT64_MAX);
}

// Neighbouring addresses must not share their high bits: one flipped bit turns about half.
static void test_mix(void) {
    uint64_t turned = 0;
    for (unsigned bit = 0; bit < 64; bit++)
        turned += bits_count(bits_mix(0x7f0012340000) ^ bits_mix(0x7f0012340000 ^ 1ULL << bit));
    CHECK(turned > 64 * 26 && turned < 64 * 38);
    CHECK(bits_mix(1) != bits_mix(2));
}

static void test_alignment(void) {
    CHECK_EQ(align_up(0, 4096), 0);
    CHECK_EQ(align_up(1, 4096), 4096);
    CHECK_EQ(align_up(4096, 4096), 4096);
    CHECK_EQ(align_down(4095, 4096), 0);
    CHECK_EQ(align_down(4097, 4096), 4096);
    CHECK(align_up(UINTPTR_MAX, 16) == 0);
    CHECK(is_aligned(0, 16) && is_aligned(32, 16) && !is_aligned(24, 16));
    CHECK(is_power_of_two(1) && is_power_of_two(SIZE_MAX / 2 + 1));
    CHECK(!is_power_of_two(0) && !is_power_of_two(3) && !is_power_of_two(SIZE_MAX));
}

static void test_arithmetic(void) {
    size_t result;
    CHECK(checked_add(SIZE_MAX - 1, 1, &result) && result == SIZE_MAX);
    CHECK(!checked_add(SIZE_MAX, 1, &result));
    CHECK(checked_mul(SIZE_MAX, 1, &result) && result == SIZE_MAX);
    CHECK(!checked_mul(SIZE_MAX / 2 + 1, 2, &result));
    CHECK(checked_mul(0, SIZE_MAX, &result) && result == 0);
    CHECK_EQ(bytes_to_granules(0), 0);
    CHECK_EQ(bytes_to_granules(1), 1);
    CHECK_EQ(bytes_to_granules(GRANULE), 1);
    CHECK_EQ(bytes_to_granules(GRANULE + 1), 2);
    CHECK(bytes_to_granules(SIZE_MAX) == (SIZE_MAX >> GRANULE_SHIFT) + 1);
    CHECK_EQ(min_size(1, 2), 1);
    CHECK_EQ(max_size(1, 2), 2);
}

int main(void) {
    test_watchdog(60);
    test_words();
    test_low_mask();
    test_mix();
    test_alignment();
    test_arithmetic();
    return 0;
}
