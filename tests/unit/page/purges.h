// tests/unit/page/purges.h - a purge with a budget of 8 MiB or 10 %, for the tests of its rules.
#pragma once
#include "conf/options.h"
#include "page/purge.h"
#include "tests/unit/pages.h"

static const uint64_t second = 1000000000;

static struct purge        purge;
static struct purge *const p = &purge;

static inline void start(uint64_t decay_ns) {
    fake_reset();
    CHECK_EQ(options_set(OPT_PURGE_BUDGET, MIB(8)), OPTION_OK);
    CHECK_EQ(options_set(OPT_PURGE_PERCENT, 10), OPTION_OK);
    purge_init(p, decay_ns, os_now_ns());
}
