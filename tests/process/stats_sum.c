// tests/process/stats_sum.c - the parts of the statistics add up to what the kernel says is
// resident, within 5 % of RSS, in every state of the heap.
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"
#include "tidemalloc.h"

enum { MIB = 1 << 20, COUNT = 200 * 1000, PARTS = 6, HUGE_BLOCKS = 8 };

// The resident parts; the others overlap with these or are not resident.
static const char *const parts[PARTS] = {"live_bytes", "cached_bytes",      "slack_bytes",
                                         "free_bytes", "huge_cached_bytes", "metadata_bytes"};

struct sum {
    uint64_t value[PARTS];
    uint64_t total;
    unsigned found;
};

static char *blocks[COUNT];

static void add_part(const char *name, uint64_t value, const char *unit, void *data) {
    struct sum *sum = data;
    for (int i = 0; i < PARTS; i++) {
        if (strcmp(name, parts[i]) != 0)
            continue;
        CHECK(strcmp(unit, "bytes") == 0);
        sum->value[i] = value;
        sum->total += value;
        sum->found++;
    }
}

// What the process held before its first block, its program and libraries among it.
static size_t not_heap;

static void check_sum(const char *state) {
    struct sum sum = {{0}, 0, 0};
    tide_stats(add_part, &sum);
    uint64_t rss = proc_rss();
    CHECK_EQ(sum.found, PARTS);
    uint64_t heap = rss - not_heap;
    uint64_t gap = sum.total > heap ? sum.total - heap : heap - sum.total;
    if (gap <= rss / 20 + 512 * 1024)
        return;
    fprintf(stderr, "%s: resident %llu, without the program %llu, parts sum to %llu\n", state,
            (unsigned long long)rss, (unsigned long long)heap, (unsigned long long)sum.total);
    for (int i = 0; i < PARTS; i++)
        fprintf(stderr, "  %s %llu\n", parts[i], (unsigned long long)sum.value[i]);
    test_fail(__FILE__, __LINE__, "the parts do not add up");
}

static void fill(size_t limit) {
    uint64_t random = limit;
    for (size_t i = 0; i < COUNT; i++) {
        size_t size = (size_t)(test_random(&random) % limit) + 1;
        CHECK((blocks[i] = malloc(size)) != NULL);
        memset(blocks[i], 1, malloc_usable_size(blocks[i]));
    }
}

static void free_every(size_t step, size_t first) {
    for (size_t i = first; i < COUNT; i += step) {
        free(blocks[i]);
        blocks[i] = NULL;
    }
}

static void small_states(void) {
    fill(1000);
    check_sum("200,000 small blocks");
    free_every(2, 0);
    check_sum("every second block free");
    free_every(4, 1);
    check_sum("three of four free");
    malloc_trim(0);
    check_sum("the same after a trim");
    free_every(4, 3);
    check_sum("all free");
    malloc_trim(0);
    check_sum("all free, trimmed");
}

static void big_states(void) {
    static char *huge[HUGE_BLOCKS];
    for (size_t i = 0; i < HUGE_BLOCKS; i++) {
        CHECK((huge[i] = malloc(i % 2 ? 12 * MIB : 200 * 1000)) != NULL);
        memset(huge[i], 1, malloc_usable_size(huge[i]));
    }
    check_sum("large and huge blocks");
    for (size_t i = 0; i < HUGE_BLOCKS; i++)
        free(huge[i]);
    check_sum("large and huge blocks free");
    malloc_trim(0);
    check_sum("large and huge blocks free, trimmed");
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    memset(blocks, 0, sizeof blocks);  // resident before the measurement
    struct sum none = {{0}, 0, 0};
    tide_stats(add_part, &none);
    fprintf(stderr, "start\n");
    none = (struct sum){{0}, 0, 0};
    tide_stats(add_part, &none);
    not_heap = proc_rss() - none.total;
    small_states();
    big_states();
    return 0;
}
