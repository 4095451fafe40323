// tests/process/rss_one_malloc.c - a process that does one malloc stays small: 2.2 MiB resident.
#include <stdlib.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { MOST_KIB = 2253 };

int main(void) {
    test_need_tide();
    char *block = malloc(100);
    CHECK(block != NULL);
    block[0] = 1;
    CHECK_LE(proc_rss() / 1024, MOST_KIB);
    free(block);
    return 0;
}
