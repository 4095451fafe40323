// tests/process/maps_many.c - a heap of very many huge blocks leaves the program its mappings:
// every second one is freed, so that what the kernel had joined falls apart, twice.
//
// MAPS_BLOCKS, MAPS_BYTES, MAPS_MOST in the environment: how many blocks of which size, and how
// many mappings are allowed.
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { BLOCKS_MAX = 50 * 1000, BYTES = 1200 * 1000, MAPPINGS_MAX = 17 * 1000 };

static char  *blocks[BLOCKS_MAX];
static size_t count;

static size_t setting(const char *name, size_t otherwise) {
    const char *text = proc_env(name);
    return *text ? strtoul(text, NULL, 10) : otherwise;
}

// Nearly nothing of it is touched, but all of it has to be had.
static void need_address_space(void) {
    struct rlimit limit;
    int           overcommit = 0;
    FILE         *file = fopen("/proc/sys/vm/overcommit_memory", "r");
    if (file) {
        CHECK(fscanf(file, "%d", &overcommit) == 1);
        fclose(file);
    }
    CHECK_EQ(getrlimit(RLIMIT_AS, &limit), 0);
    if (overcommit == 2 || limit.rlim_cur != RLIM_INFINITY)
        test_skip("the address space is limited");
}

static void take_all(size_t bytes) {
    for (size_t i = 0; i < count; i++)
        CHECK(blocks[i] != NULL || (blocks[i] = malloc(bytes)) != NULL);
}

static void give_each(size_t first, size_t step) {
    for (size_t i = first; i < count; i += step) {
        free(blocks[i]);
        blocks[i] = NULL;
    }
}

int main(void) {
    size_t bytes = setting("MAPS_BYTES", BYTES), most = setting("MAPS_MOST", MAPPINGS_MAX);
    count = setting("MAPS_BLOCKS", BLOCKS_MAX);
    CHECK_LE(count, BLOCKS_MAX);
    test_watchdog(300);
    test_need_tide();
    need_address_space();
    for (size_t round = 0; round < 2; round++) {
        take_all(bytes);
        give_each(round, 2);
        size_t mappings = proc_map_count();
        printf("mappings: %zu\n", mappings);
        CHECK_LE(mappings, most);
    }
    give_each(0, 1);
    CHECK_LE(proc_map_count(), 2000);
    return 0;
}
