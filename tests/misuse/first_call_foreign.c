// expect: tidemalloc: free(0x*): pointer not from this allocator
// tests/misuse/first_call_foreign.c - the very first call of the program is a wrong free.
#include <stdlib.h>

#include "tests/support/test.h"

static char global[64];

static void first(int argc, char **argv, char **env) {
    (void)argc;
    (void)argv;
    (void)env;
    free(test_hide(global));
}

__attribute__((section(".preinit_array"), used)) static void (*const entry)(int, char **,
                                                                            char **) = first;

int main(void) {
    return 0;
}
