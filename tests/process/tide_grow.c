// tests/process/tide_grow.c - a buffer grows from 1 to 64 MiB by realloc: each page is touched
// once, and never is there room for two of them.
#include <stdlib.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"
#include "tests/support/tide.h"

enum { LAST = 64, FAULTS_MAX = 17000, PEAK_MAX_MIB = 70 };

int main(void) {
    char  *block = NULL;
    size_t before;
    test_watchdog(120);
    test_need_tide();
    before = tide_faults();
    for (size_t i = 0; i < LAST; i++) {
        CHECK((block = test_hide(realloc(block, (i + 1) * TIDE_MIB))) != NULL);
        memset(block + i * TIDE_MIB, (int)i, TIDE_MIB);
    }
    size_t more = tide_faults() - before, peak = proc_status_bytes("VmHWM");
    dprintf(STDOUT_FILENO, "%zu page faults, peak %zu KiB\n", more, peak >> 10);
    CHECK_LE(more, FAULTS_MAX);
    CHECK_LE(peak, (size_t)PEAK_MAX_MIB * TIDE_MIB);
    for (size_t i = 0; i < LAST; i++)
        CHECK(test_is_byte(block + i * TIDE_MIB, TIDE_MIB, (unsigned char)i));
    free(block);
    return 0;
}
