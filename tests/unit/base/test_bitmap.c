// unit/base/test_bitmap.c - bitmaps beside a plain array of flags, and the atomic pair with
// threads.
#include <pthread.h>
#include <sched.h>

#include "base/bitmap.h"
#include "tests/support/test.h"

enum { BITS = 1000, STEPS = 200000 };

static void check_same(const uint64_t *words, const bool *model, size_t bits) {
    size_t count = 0;
    for (size_t i = 0; i < bits; i++) {
        CHECK_EQ(bitmap_test(words, i), model[i]);
        count += model[i];
    }
    CHECK_EQ(bitmap_count(words, bits), count);
}

static bool slow_all_set(const bool *model, size_t first, size_t last) {
    for (; first < last; first++)
        if (!model[first])
            return false;
    return true;
}

static void test_random_steps(void) {
    static uint64_t words[(BITS + 63) / 64];
    static bool     model[BITS];
    uint64_t        seed = 7;
    bitmap_zero(words, BITS);
    for (unsigned step = 0; step < STEPS; step++) {
        size_t bit = test_random(&seed) % BITS;
        bool   set = test_random(&seed) % 8 != 0;  // mostly full, so that ranges are set too
        if (set)
            bitmap_set(words, bit);
        else
            bitmap_clear(words, bit);
        model[bit] = set;
        size_t first = test_random(&seed) % BITS;
        size_t last = min_size(BITS, first + test_random(&seed) % 80);
        CHECK_EQ(bitmap_all_set(words, first, last), slow_all_set(model, first, last));
        if (step % 1000 == 0)
            check_same(words, model, BITS);
    }
    CHECK(bitmap_all_set(words, 5, 5));
}

static void test_filling(void) {
    for (size_t bits = 1; bits <= 300; bits++) {
        uint64_t words[6];
        memset(words, 0xa5, sizeof words);
        bitmap_fill(words, bits);
        CHECK_EQ(bitmap_count(words, bits), bits);
        CHECK_EQ(bitmap_count(words, bitmap_words(bits) * BITMAP_WORD_BITS), bits);
        CHECK(bitmap_all_set(words, 0, bits));
        CHECK(words[5] == 0xa5a5a5a5a5a5a5a5);
        bitmap_zero(words, bits);
        CHECK_EQ(bitmap_count(words, bitmap_words(bits) * BITMAP_WORD_BITS), 0);
    }
    CHECK_EQ(bitmap_words(0), 0);
    CHECK_EQ(bitmap_words(64), 1);
    CHECK_EQ(bitmap_words(65), 2);
}

// --- the atomic pair: each bit that is set comes back once, with what was written before --------

enum { SETTERS = 4, ROUNDS = 20000 };
static uint64_t shared_word;
static unsigned behind[BITMAP_WORD_BITS];  // what the bit stands for, written before it is set

static void *setter(void *argument) {
    unsigned mine = (unsigned)(uintptr_t)argument;
    for (unsigned round = 1; round <= ROUNDS; round++) {
        unsigned bit = mine * 16 + round % 16;
        while (__atomic_load_n(&shared_word, __ATOMIC_ACQUIRE) >> bit & 1)
            sched_yield();  // until the taker has it
        // The taker clears behind[] after it took the bit, so 0 says that it is done with it.
        while (__atomic_load_n(&behind[bit], __ATOMIC_ACQUIRE) != 0)
            sched_yield();
        __atomic_store_n(&behind[bit], round, __ATOMIC_RELAXED);
        CHECK_EQ(bitmap_atomic_or(&shared_word, (uint64_t)1 << bit), 0);
    }
    return NULL;
}

static void test_atomic(void) {
    pthread_t threads[SETTERS];
    unsigned  taken = 0;
    for (uintptr_t i = 0; i < SETTERS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, setter, (void *)i), 0);
    while (taken < SETTERS * ROUNDS) {
        uint64_t word = bitmap_atomic_take_word(&shared_word);
        if (word == 0)
            sched_yield();
        for (; word; word &= word - 1, taken++) {
            unsigned bit = bits_lowest(word);
            CHECK(__atomic_load_n(&behind[bit], __ATOMIC_RELAXED) % 16 == bit % 16);
            CHECK(__atomic_load_n(&behind[bit], __ATOMIC_RELAXED) != 0);
            __atomic_store_n(&behind[bit], 0, __ATOMIC_RELEASE);
        }
    }
    for (unsigned i = 0; i < SETTERS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(shared_word, 0);
    CHECK_EQ(bitmap_atomic_or(&shared_word, 5), 0);
    CHECK_EQ(bitmap_atomic_or(&shared_word, 7), 5);  // the double free shows
    CHECK_EQ(bitmap_atomic_take_word(&shared_word), 7);
    CHECK_EQ(bitmap_atomic_take_word(&shared_word), 0);
}

int main(void) {
    test_watchdog(100);
    test_random_steps();
    test_filling();
    test_atomic();
    return 0;
}
