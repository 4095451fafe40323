// tests/unit/conf/test_fake_counters.c - the table of figures, and adding from several threads.
#include "conf/counters.h"

#include <pthread.h>

#include "tests/unit/check_text.h"

enum { THREADS = 4, ROUNDS = 20000 };

static void test_rows(void) {
    CHECK_TEXT(counters_row(COUNTER_live_bytes)->name, "live_bytes");
    CHECK_TEXT(counters_row(COUNTER_remaps)->name, "remaps");
    CHECK(counters_row(COUNTER_refills)->kind == COUNTER_TOTAL);
    CHECK(counters_row(COUNTER_threads)->kind == COUNTER_LEVEL);
    CHECK(!counters_row(COUNTER_threads)->is_bytes);
    for (unsigned i = 0; i < COUNTER_COUNT; i++) {
        const struct counter_row *row = counters_row((enum counter_id)i);
        size_t                    length = strlen(row->name);
        CHECK(length > 0 && row->help[0] != 0);
        // A reader of the report can tell bytes from counts by the name alone.
        bool is_bytes = length > 6 && strcmp(row->name + length - 6, "_bytes") == 0;
        CHECK(row->is_bytes == is_bytes);
        for (unsigned k = 0; k < i; k++)
            CHECK(strcmp(row->name, counters_row((enum counter_id)k)->name) != 0);
    }
}

static void *add_and_sub(void *counters) {
    for (unsigned i = 0; i < ROUNDS; i++) {
        counters_add(counters, COUNTER_live_bytes, 48);
        counters_sub(counters, COUNTER_live_bytes, 32);
        counters_add(counters, COUNTER_refills, 1);
    }
    return NULL;
}

static void test_threads_lose_nothing(void) {
    static struct counters counters;
    pthread_t              threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, add_and_sub, &counters) == 0);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK_EQ(counters.value[COUNTER_live_bytes], THREADS * ROUNDS * 16);
    CHECK_EQ(counters.value[COUNTER_refills], THREADS * ROUNDS);
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        CHECK(i == COUNTER_live_bytes || i == COUNTER_refills || counters.value[i] == 0);
}

int main(void) {
    test_watchdog(60);
    test_rows();
    test_threads_lose_nothing();
    return 0;
}
