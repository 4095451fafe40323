// unit/heap/test_fake_aside.c - memory of freed blocks of their own: moved, cleared, used again.
#include "tests/unit/heap/hardened.h"

#include <errno.h>

#include "heap/aside.h"
#include "heap/fence.h"

static struct span *span_of(void *block) {
    return page_map_span((uintptr_t)block);
}

// Every byte written; NULL stays NULL.
static char *full_block(size_t bytes) {
    char *block = hardened_block(bytes);
    if (block) {
        CHECK(test_is_byte(block, bytes, 0));
        memset(block, 9, bytes);
    }
    return block;
}

// Nothing is left of any block, and no fence is counted that is not there.
static void end(void) {
    huge_evict(UINT64_MAX);
    CHECK_EQ(fake_mapped_as(HUGE_NAME), 0);
    CHECK_EQ(counters_process.value[COUNTER_huge_cached_bytes], 0);
    CHECK_EQ(counters_process.value[COUNTER_slack_bytes], 0);
    CHECK_EQ(counters_process.value[COUNTER_huge_bytes], 0);
    char *range = os_map(GRANULE, GRANULE, OS_READ_WRITE, "tide test");
    for (unsigned i = 0; i < FENCES_MAX; i++)
        CHECK(fence_make(range, 4096));
    CHECK(!fence_make(range, 4096));
    for (unsigned i = 0; i < FENCES_MAX; i++)
        CHECK(fence_remove(range, 4096));
}

static void is_between_fences(char *block, size_t bytes) {
    struct span *span = span_of(block);
    CHECK(span->guard_before >= 1 && span->guard_after >= 1);
    CHECK(!fake_is_committed(block - 4096, 4096));
    CHECK(fake_is_committed(block, bytes));
    CHECK(!fake_is_committed(block + align_up(bytes, 4096), 4096));
}

// A block of what waits asks the system nothing.
static void ends_with_reuse(size_t bytes) {
    fake_forget();
    char *block = full_block(bytes);
    CHECK_EQ(fake_count(FAKE_ANY), 0);
    hardened_free(block);
    end();
}

static void waits_elsewhere(void) {
    hardened_begin(NULL);
    char *first = full_block(300000);
    hardened_free(first);
    CHECK_EQ(block_find(first).kind, BLOCK_FREE);
    CHECK(!fake_is_committed(first, 4096));
    CHECK_EQ(huge_cached_count(), 1);
    hardened_dies(first, "tidemalloc: free(0x*): memory that is free already");
    fake_forget();
    char *second = full_block(300000);
    CHECK(second != first && fake_count(FAKE_ANY) == 0);
    CHECK_EQ(huge_cached_count(), 0);
    is_between_fences(second, 300000);
    CHECK(!fake_is_committed(first, 4096));
    hardened_free(second);
    char *third = full_block(300000);
    CHECK(third != first && third != second);
    is_between_fences(third, 300000);
    hardened_free(third);
    end();
}

// What is too much stays out of reach until it is asked for, and goes on with the rest.
static void in_smaller_ones(void) {
    hardened_begin(NULL);
    hardened_free(full_block(300000));
    char *block = full_block(210000);
    is_between_fences(block, 210000);
    CHECK_EQ(span_of(block)->resident, align_up(300000, 4096));
    CHECK_EQ(counters_process.value[COUNTER_slack_bytes],
             align_up(300000, 4096) - align_up(210000, 4096));
    struct block found = block_find(block);
    CHECK(hardened_resize("realloc", &found, 250000));
    CHECK(test_is_byte(block, 210000, 9) && test_is_byte(block + 210000, 40000, 0));
    is_between_fences(block, 250000);
    memset(block, 9, 250000);
    hardened_free(block);
    ends_with_reuse(300000);
}

// Growing in place never cuts off what the block had from the one before it.
static void stays_whole(void) {
    hardened_begin(NULL);
    hardened_free(full_block(700000));
    char  *block = full_block(470000);
    size_t bytes = span_bytes(span_of(block));
    CHECK(bytes >= 700000);
    struct block found = block_find(block);
    CHECK(hardened_resize("realloc", &found, 480000));
    CHECK_EQ(span_bytes(span_of(block)), bytes);
    is_between_fences(block, 480000);
    hardened_free(block);
    end();
}

// What is missing comes behind it, and does not move on.
static void in_larger_ones(void) {
    hardened_begin(NULL);
    hardened_free(full_block(300000));
    char *block = full_block(400000);
    is_between_fences(block, 400000);
    CHECK_EQ(counters_process.value[COUNTER_huge_reuses], 1);
    CHECK_EQ(span_of(block)->joined, align_up(300000, 4096) / 4096);
    hardened_free(block);
    ends_with_reuse(300000);
}

static void not_in_others(void) {
    hardened_begin(NULL);
    hardened_free(full_block(300000));
    char *small = full_block(150000), *large = full_block(700000);
    CHECK_EQ(huge_cached_count(), 1);
    bool  is_zero;
    char *aligned = hardened_take(NULL, 300000, MIB(16), &is_zero);
    CHECK(is_aligned((uintptr_t)aligned, MIB(16)));
    char *blocks[3] = {small, large, aligned};
    for (unsigned i = 0; i < 3; i++)
        hardened_free(blocks[i]);
    end();
}

// What was hardly touched goes back, and where data is limited all does.
static void not_of_all(void) {
    hardened_begin(NULL);
    bool  is_zero;
    char *block = hardened_take(NULL, 300000, 1, &is_zero);
    memset(block, 9, 200000);
    hardened_free(block);
    CHECK_EQ(huge_cached_count(), 0);
    fake_set_data_limited(true);
    hardened_free(full_block(300000));
    CHECK_EQ(huge_cached_count(), 0);
    end();
}

static void goes_back(void) {
    hardened_begin(NULL);
    hardened_free(full_block(MIB(2)));
    CHECK_EQ(huge_trim(), MIB(2));
    CHECK_EQ(huge_trim(), 0);
    hardened_free(full_block(MIB(2)));
    fake_advance(1500000000);
    huge_tick(os_now_ns());
    CHECK_EQ(huge_cached_count(), 0);
    char *blocks[100];
    for (unsigned i = 0; i < 100; i++)
        blocks[i] = full_block(MIB(1));
    for (unsigned i = 0; i < 100; i++)
        hardened_free(blocks[i]);
    CHECK(counters_process.value[COUNTER_huge_cached_bytes] <= MIB(32));
    end();
}

// Whatever the system refuses, the old place is unreadable, and the next block zero.
static void refused(enum fake_call call, int error) {
    hardened_begin(NULL);
    fake_fail_with(call, error);
    for (unsigned nth = 1; nth <= 6; nth++) {
        char *block = full_block(300000);
        fake_fail(call, nth, 1);
        hardened_free(block);
        CHECK(!fake_is_committed(block, 4096));
        char *smaller = full_block(250000), *larger = full_block(380000);
        CHECK(smaller && larger);
        hardened_free(smaller);
        hardened_free(larger);
        fake_fail(call, 1, 0);
    }
    end();
}

static void unknown_to_the_kernel(void) {
    refused(FAKE_CARRY, ENOSYS);
}
static void target_lost(void) {
    refused(FAKE_CARRY, ENOMEM);
}
static void no_place(void) {
    refused(FAKE_MAP, ENOMEM);
}
static void not_hidden(void) {
    refused(FAKE_HIDE, ENOMEM);
}
static void not_committed(void) {
    refused(FAKE_COMMIT, ENOMEM);
}
static void not_unmapped(void) {
    refused(FAKE_UNMAP, ENOMEM);
}

int main(void) {
    CASE(waits_elsewhere);
    CASE(in_smaller_ones);
    CASE(stays_whole);
    CASE(in_larger_ones);
    CASE(not_in_others);
    CASE(not_of_all);
    CASE(goes_back);
    CASE(unknown_to_the_kernel);
    CASE(target_lost);
    CASE(no_place);
    CASE(not_hidden);
    CASE(not_committed);
    CASE(not_unmapped);
    return 0;
}
