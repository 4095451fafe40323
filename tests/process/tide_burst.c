// tests/process/tide_burst.c - a burst of one thread leaves the process small at its last free: no
// further call, no pause, no thread.
#include "tests/support/test.h"
#include "tests/support/tide.h"

int main(void) {
    struct tide_load load;
    test_watchdog(120);
    test_need_tide();
    tide_load_init(&load, 1 << 18);
    tide_burst(&load, tide_mixed_size);
    return 0;
}
