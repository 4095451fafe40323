// tests/model/test_fake_bitmap.c - random operations on words of bits beside an array of booleans.
#include "base/bitmap.h"

#include "tests/model/model.h"

enum { BITS = 300, WORDS = (BITS + 63) / 64, STEPS = 150000 };

static uint64_t plain[WORDS], atomic[WORDS];
static bool     model[BITS], shared[BITS];
static size_t   bits;

static void check_counts(void) {
    size_t count = 0;
    for (size_t i = 0; i < bits; i++) {
        CHECK_EQ(bitmap_test(plain, i), model[i]);
        count += model[i];
    }
    CHECK_EQ(bitmap_count(plain, bits), count);
}

static void check_range(void) {
    size_t first = model_below((uint32_t)bits + 1);
    size_t last = first + model_below((uint32_t)(bits - first) + 1);
    bool   all = true;
    for (size_t i = first; i < last; i++)
        all = all && model[i];
    CHECK_EQ(bitmap_all_set(plain, first, last), all);
}

static void fill_or_zero(void) {
    bool value = model_chance(50);
    bits = 1 + model_below(BITS);
    if (value)
        bitmap_fill(plain, bits);
    else
        bitmap_zero(plain, bits);
    for (size_t i = 0; i < bits; i++)
        model[i] = value;
    if (bits % 64 && value)  // no bit beyond the last
        CHECK_EQ(plain[bits / 64] >> (bits % 64), 0);
}

static void or_atomic(void) {
    size_t   word = model_below(WORDS);
    uint64_t mask = test_random(&model_state) & test_random(&model_state), before = 0;
    for (size_t i = 0; i < 64; i++) {
        size_t bit = word * 64 + i;
        if (bit >= BITS)
            mask &= ~((uint64_t)1 << i);
        else if (mask >> i & 1) {
            before |= (uint64_t)shared[bit] << i;
            shared[bit] = true;
        }
    }
    CHECK(bitmap_atomic_or(&atomic[word], mask) == before);
}

static void take_atomic(void) {
    size_t   word = model_below(WORDS);
    uint64_t taken = bitmap_atomic_take_word(&atomic[word]);
    for (size_t i = 0; i < 64; i++) {
        size_t bit = word * 64 + i;
        CHECK_EQ(taken >> i & 1, bit < BITS && shared[bit]);
        if (bit < BITS)
            shared[bit] = false;
    }
    CHECK_EQ(atomic[word], 0);
}

static void body(void) {
    bits = BITS;
    for (unsigned step = 0; step < STEPS; step++) {
        size_t   bit = model_below((uint32_t)bits);
        uint32_t kind = model_below(100);
        if (kind < 40) {
            bitmap_set(plain, bit);
            model[bit] = true;
        } else if (kind < 65) {
            bitmap_clear(plain, bit);
            model[bit] = false;
        } else if (kind < 75) {
            check_range();
        } else if (kind < 85) {
            or_atomic();
        } else if (kind < 95) {
            take_atomic();
        } else if (kind < 96) {
            fill_or_zero();
        } else {
            check_counts();
        }
    }
}

int main(int argc, char **argv) {
    return model_main(argc, argv, body);
}
