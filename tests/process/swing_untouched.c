// tests/process/swing_untouched.c - demand that swings over memory nobody touches teaches nothing:
// the burst that follows leaves no more than the budget of free memory. Blocks of an arena, and
// mappings.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { MIB = 1 << 20, ROUNDS = 30, BLOCKS_MAX = 400 };

static void *blocks[BLOCKS_MAX];

static void swing(size_t count, size_t bytes, bool touch) {
    for (size_t i = 0; i < count; i++) {
        CHECK((blocks[i] = malloc(bytes)) != NULL);
        if (touch)
            memset(blocks[i], 1, bytes);
    }
    for (size_t i = 0; i < count; i++)
        free(blocks[i]);
}

// Each in a process of its own: what the first burst really gave back the second would miss.
static void expect_ebb(size_t count, size_t bytes) {
    int   status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child > 0) {
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, 0);
        return;
    }
    size_t base = proc_rss();
    for (unsigned round = 0; round < ROUNDS; round++)
        swing(count, bytes, false);
    swing(count, bytes, true);
    size_t rss = proc_rss();
    printf("%zu blocks of %zu: %zu KiB stay\n", count, bytes, rss > base ? (rss - base) / 1024 : 0);
    CHECK_LE(rss, base + 32 * (size_t)MIB);
    fflush(stdout);
    _exit(0);
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    expect_ebb(400, 300000);
    expect_ebb(100, 3 * MIB);
    return 0;
}
