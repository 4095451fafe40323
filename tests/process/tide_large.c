// tests/process/tide_large.c - blocks of 1 to 9 MiB: what is freed is gone at once.
#include "tests/support/test.h"
#include "tests/support/tide.h"

static size_t large_size(uint64_t *state) {
    return TIDE_MIB + test_random(state) % ((size_t)8 * TIDE_MIB);
}

int main(void) {
    struct tide_load load;
    test_watchdog(60);
    test_need_tide();
    tide_load_init(&load, 1024);
    tide_burst(&load, large_size);
    return 0;
}
