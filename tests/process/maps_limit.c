// tests/process/maps_limit.c - the limit of mappings is used up: small requests still work, and
// all comes back when the mappings go.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { MIB = 1 << 20, HUGE_BLOCKS = 16, HUGE_BYTES = 3 * MIB, SMALL = 10 * 1000 };
enum { LIMIT_MAX = 1 << 18 };  // of vm.max_map_count, for a short test

static char  *huge[HUGE_BLOCKS];
static char  *small[SMALL];
static char  *area;
static size_t area_bytes;

static size_t limit_of_mappings(void) {
    size_t limit = 0;
    FILE  *file = fopen("/proc/sys/vm/max_map_count", "r");
    CHECK(file != NULL && fscanf(file, "%zu", &limit) == 1);
    fclose(file);
    return limit;
}

// Every second page of one reservation gets another protection: a mapping each.
static void use_up(size_t limit) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    area_bytes = (limit + 100) * page;
    area = mmap(NULL, area_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(area != MAP_FAILED);
    for (size_t at = 0; at < area_bytes; at += 2 * page) {
        if (mprotect(area + at, page, PROT_READ) != 0) {
            CHECK_EQ(errno, ENOMEM);
            return;
        }
    }
    test_fail(__FILE__, __LINE__, "the limit of mappings was not reached");
}

static void make_huge(void) {
    for (size_t i = 0; i < HUGE_BLOCKS; i++) {
        CHECK((huge[i] = malloc(HUGE_BYTES)) != NULL);
        memset(huge[i], (int)i, HUGE_BYTES);
    }
}

static void free_huge(size_t first) {
    for (size_t i = first; i < HUGE_BLOCKS; i += 2) {
        CHECK(test_is_byte(huge[i], HUGE_BYTES, (unsigned char)i));
        free(huge[i]);
    }
}

static void work_small(void) {
    for (size_t i = 0; i < SMALL; i++) {
        CHECK((small[i] = malloc(100)) != NULL);
        test_fill(small[i], 100, i);
    }
    for (size_t i = 0; i < SMALL; i++) {
        CHECK(test_is_filled(small[i], 100, i));
        free(small[i]);
    }
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    size_t limit = limit_of_mappings();
    if (limit > LIMIT_MAX)
        test_skip("vm.max_map_count is too high to be used up in a short test");
    make_huge();
    use_up(limit);
    free_huge(0);
    work_small();
    errno = 0;
    void *block = malloc(HUGE_BYTES);  // may or may not fit, but fails properly
    CHECK(block != NULL || errno == ENOMEM);
    free(block);
    free_huge(1);
    work_small();
    CHECK_EQ(munmap(area, area_bytes), 0);
    make_huge();
    work_small();
    free_huge(0);
    free_huge(1);
    return 0;
}
