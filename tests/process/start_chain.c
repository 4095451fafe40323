// tests/process/start_chain.c - constructors and destructors of several libraries pass blocks on.
#include <stdlib.h>

#include "tests/process/helpers/chain.h"
#include "tests/support/test.h"

enum { CHAIN_MAX = 64 };

int chain_a(void);
int chain_b(void);
int chain_c(void);

static void *chain[CHAIN_MAX];
static int   chain_length;

void chain_push(void *block) {
    CHECK(block != NULL && chain_length < CHAIN_MAX);
    chain[chain_length++] = block;
}

void chain_pop(void) {
    CHECK(chain_length > 0);
    free(chain[--chain_length]);
}

static void at_exit_push_and_pop(void) {
    chain_push(malloc(77));
    chain_pop();
    chain_pop();
}

// Two blocks of each of three libraries are left by the constructors.
int main(void) {
    test_watchdog(30);
    test_need_tide();
    CHECK(chain_a() && chain_b() && chain_c());
    CHECK_EQ(chain_length, 6);
    chain_push(malloc(50 * 1000));
    CHECK_EQ(atexit(at_exit_push_and_pop), 0);
    return 0;
}
