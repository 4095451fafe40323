// tests/process/tide_tenth.c - one block in ten of a burst stays. With light traffic alone the free
// pages between go, whatever shape the traffic has; a trim leaves no page without a live byte.
#include <malloc.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"
#include "tests/support/tide.h"

#define BURST_BYTES ((size_t)512 * TIDE_MIB)
enum { KEEP_ONE_IN = 10, TRAFFIC_MS = 3000, PAGE_MOST = 65536 };

// What stays after a trim, beyond pages that blocks lie in. A hardened process has a mebibyte of
// freed slots wait yet, in pages of theirs.
static size_t rest_most(void) {
    return (size_t)(getenv("TIDE_HARDENED") ? 6 : 4) * TIDE_MIB;
}

// Bytes of the OS pages that hold a byte of a live block: blocks are sorted by address first.
static int by_address(const void *left, const void *right) {
    uintptr_t a = *(const uintptr_t *)left, b = *(const uintptr_t *)right;
    return a < b ? -1 : a > b;
}

static void sort(struct tide_load *load, uintptr_t *ranges) {
    for (size_t i = 0; i < load->count; i++) {
        ranges[2 * i] = (uintptr_t)load->blocks[i];
        ranges[2 * i + 1] = load->sizes[i];
    }
    // Shell sort: nothing is allocated.
    for (size_t gap = load->count / 2; gap > 0; gap /= 2) {
        for (size_t i = gap; i < load->count; i++) {
            uintptr_t pair[2] = {ranges[2 * i], ranges[2 * i + 1]};
            size_t    at = i;
            for (; at >= gap && by_address(&ranges[2 * (at - gap)], pair) > 0; at -= gap)
                memcpy(&ranges[2 * at], &ranges[2 * (at - gap)], sizeof pair);
            memcpy(&ranges[2 * at], pair, sizeof pair);
        }
    }
}

static size_t live_pages(struct tide_load *load, uintptr_t *ranges) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), next = 0, bytes = 0;
    sort(load, ranges);
    for (size_t i = 0; i < load->count; i++) {
        uintptr_t first = ranges[2 * i] & ~(page - 1);
        uintptr_t end = (ranges[2 * i] + ranges[2 * i + 1] + page - 1) & ~(page - 1);
        first = first < next ? next : first;
        bytes += end > first ? end - first : 0;
        next = end > next ? end : next;
    }
    return bytes;
}

static void run(enum tide_traffic traffic, const char *name) {
    struct tide_load load;
    tide_load_init(&load, 1 << 18);
    uintptr_t *ranges = tide_array(sizeof(uintptr_t) << 19);
    size_t     base = tide_rss();
    tide_load_fill(&load, BURST_BYTES, tide_mixed_size);
    for (size_t i = 0; i < load.count; i++)
        if (i % KEEP_ONE_IN != 0)
            tide_load_free(&load, i);
    tide_load_pack(&load);
    size_t at_once = tide_rss();
    tide_light_traffic(traffic, TRAFFIC_MS);
    size_t later = tide_rss();
    malloc_trim(0);
    size_t trimmed = tide_rss(), needed = live_pages(&load, ranges);
    test_say(name);
    tide_show(": at once", at_once, base, load.live);
    tide_show("after light traffic", later, base, load.live);
    tide_show("after a trim", trimmed, base, load.live);
    tide_show("pages with a live byte", base + needed, base, load.live);
    CHECK_LE(later, base + load.live / 100 * 135 + (size_t)16 * TIDE_MIB);
    CHECK_LE(trimmed, base + needed + rest_most());
    for (size_t i = 0; i < load.count; i++)
        CHECK(test_is_byte(load.blocks[i], load.sizes[i], 1));
}

// In a process of its own, so that each begins alike.
static void run_alone(enum tide_traffic traffic, const char *name) {
    int   status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        test_watchdog(100);
        run(traffic, name);
        _exit(0);
    }
    CHECK(proc_wait(pid, 120, &status));
    CHECK_EQ(status, 0);
}

int main(void) {
    test_watchdog(400);
    test_need_tide();
    run_alone(TIDE_TOGETHER, "fifty together");
    run_alone(TIDE_PAIRS, "fifty pairs");
    run_alone(TIDE_KEPT, "fifty kept");
    return 0;
}
