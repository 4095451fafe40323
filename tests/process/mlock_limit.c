// tests/process/mlock_limit.c - mlockall(MCL_FUTURE) under RLIMIT_MEMLOCK: every mapping counts as
// locked memory; NULL and ENOMEM at the end, then recovery, though nothing can be given back.
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { MIB = 1 << 20, LIMIT = 64 * MIB, LEAST = 8 * MIB, COUNT = 200 * 1000, NOBODY = 65534 };

static char *blocks[COUNT];

static size_t allocate_to_the_end(size_t size) {
    size_t count = 0;
    for (; count < COUNT; count++) {
        errno = 0;
        blocks[count] = malloc(size);
        if (blocks[count] == NULL) {
            CHECK_EQ(errno, ENOMEM);
            break;
        }
        test_fill(blocks[count], size, count);
    }
    return count;
}

static void check_and_free(size_t count, size_t size) {
    for (size_t i = 0; i < count; i++) {
        CHECK(test_is_filled(blocks[i], size, i));
        free(blocks[i]);
    }
}

// What one size held another can have after it was freed.
static void fill_and_recover(size_t limit) {
    static const size_t sizes[] = {1000, 60 * 1000, MIB / 2, 300 * 1000, 1000};
    size_t              first = 0;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            size_t count = allocate_to_the_end(sizes[i]);
            CHECK(count < COUNT);
            check_and_free(count, sizes[i]);
            if (first == 0)
                first = count * sizes[i];
            CHECK_LE(first / 2, count * sizes[i]);
        }
    }
    CHECK_LE(limit / 2, first);
    CHECK_LE(first, limit);
}

int main(void) {
    struct rlimit limit;
    test_watchdog(60);
    test_need_tide();
    CHECK_EQ(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    limit.rlim_cur = limit.rlim_max < LIMIT ? limit.rlim_max : LIMIT;
    if (limit.rlim_cur < LEAST)
        test_skip("this user may lock less than 8 MiB (RLIMIT_MEMLOCK)");
    CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    // The limit does not hold for root.
    if (getuid() == 0 && setuid(NOBODY) != 0)
        test_skip("root here cannot become another user");
    if (mlockall(MCL_FUTURE) != 0)
        test_skip("this user may not lock memory");
    fill_and_recover(limit.rlim_cur);
    return 0;
}
