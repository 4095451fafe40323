// tests/process/start_preinit.c - free(NULL), then malloc, before any constructor has run.
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "tests/support/test.h"

static char *early[4];

static void before_everything(int argc, char **argv, char **env) {
    (void)argc;
    (void)argv;
    (void)env;
    errno = 4711;
    free(NULL);
    CHECK_EQ(errno, 4711);
    early[0] = malloc(100);
    early[1] = calloc(100, 100);
    early[2] = realloc(NULL, 100 * 1000);
    early[3] = aligned_alloc(4096, 5 << 20);
    for (int i = 0; i < 4; i++) {
        CHECK(early[i] != NULL);
        memset(early[i], i, 100);
    }
    early[0] = realloc(early[0], 10 * 1000);
    CHECK(early[0] != NULL);
    CHECK(malloc_usable_size(early[1]) >= 10000);
}

// Runs before the constructors of all libraries, ours included.
__attribute__((section(".preinit_array"),
               used)) static void (*const entry)(int, char **, char **) = before_everything;

int main(void) {
    test_watchdog(30);
    test_need_tide();
    CHECK(early[0] != NULL);
    for (int i = 0; i < 4; i++) {
        CHECK(test_is_byte(early[i], 100, (unsigned char)i));
        free(early[i]);
    }
    return 0;
}
