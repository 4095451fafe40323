// unit/heap/hardened.h - a hardened process on the fake OS, with knobs.
#pragma once
#include "conf/options.h"
#include "heap/arena.h"
#include "heap/hardened.h"
#include "heap/huge.h"
#include "tests/support/death.h"
#include "tests/unit/pages.h"

// `knob` is one more setting, or NULL.
static inline void hardened_begin(char *knob) {
    static const uint64_t second = 1000000000;
    char                 *environment[] = {(char *)(uintptr_t) "TIDE_HARDENED=1", knob, NULL};
    fake_reset();
    options_start(environment);
    arena_start(2, 2 * second, os_now_ns());
    hardened_start();
    CHECK(hardened_is_on());
}

static inline void *hardened_block(size_t bytes) {
    bool  is_zero;
    void *block = hardened_take(NULL, bytes, 1, &is_zero);
    if (block && is_zero)
        CHECK(test_is_byte(block, bytes, 0));
    return block;
}

// What leaves the quarantine goes to its slabs.
static inline void hardened_give_all(const char *function, struct block *block) {
    struct quarantine_leavers leavers;
    hardened_give(function, block, &leavers);
    hardened_leave_due(&leavers);
}

static inline void hardened_free(void *pointer) {
    struct block block = block_find(pointer);
    if (!block_is_live(&block))
        block_fail("free", pointer, &block);
    hardened_give_all("free", &block);
}

// Freeing it ends the process with this line.
static inline void hardened_dies(void *pointer, const char *line) {
    fake_clear_output();
    CHECK(fake_aborts(hardened_free, pointer));
    if (!death_matches(fake_output(), line)) {
        test_say(fake_output());
        test_fail(__FILE__, __LINE__, line);
    }
}
