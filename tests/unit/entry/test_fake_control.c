// tests/unit/entry/test_fake_control.c - settings by name, errno values, and mallopt's answers.
#include "entry/control.h"

#include <errno.h>

#include "conf/options.h"
#include "tests/support/fake_os.h"
#include "tests/unit/check_text.h"

// glibc's numbers; not every libc has the names.
enum {
    M_MXFAST = 1,
    M_TRIM_THRESHOLD = -1,
    M_TOP_PAD = -2,
    M_MMAP_THRESHOLD = -3,
    M_MMAP_MAX = -4,
    M_CHECK_ACTION = -5,
    M_PERTURB = -6,
    M_ARENA_MAX = -8,
};

static void start(const char *setting) {
    char *environment[] = {(char *)setting, NULL};
    options_start(environment);
}

static void expect_get(const char *name, const char *expected) {
    char value[32] = "untouched";
    CHECK(control_get(name, value, sizeof value) == 0);
    CHECK_TEXT(value, expected);
}

static void test_get(void) {
    char value[8] = "before";
    start("TIDE_CACHE=256K");
    expect_get("arenas", "auto");
    expect_get("cache", "256K");
    expect_get("stats", "off");
    expect_get("foreign", "abort");
    CHECK(control_get("TIDE_CACHE", value, sizeof value) == ENOENT);
    CHECK(control_get("", value, sizeof value) == ENOENT);
    CHECK(control_get("cache", value, 0) == ERANGE);
    CHECK(control_get("cache", value, 4) == ERANGE);  // no room for the 0
    CHECK_TEXT(value, "before");
    CHECK(control_get("cache", value, 5) == 0);
    CHECK_TEXT(value, "256K");
}

static void test_set(void) {
    start(NULL);
    CHECK(control_set("purge_budget", "48M") == 0);
    CHECK(option(OPT_PURGE_BUDGET) == MIB(48));
    expect_get("purge_budget", "48M");
    CHECK(control_set("stats", "1") == 0);
    expect_get("stats", "text");
    CHECK(control_set("no_such", "1") == ENOENT);
    CHECK(control_set("arenas", "2") == EPERM);
    CHECK(control_set("arenas", "nonsense") == EPERM);
    CHECK(control_set("purge_budget", "48Q") == EINVAL);
    CHECK(control_set("purge_budget", "") == EINVAL);
    CHECK(control_set("purge_budget", "99999T") == ERANGE);
    CHECK(control_set("huge_threshold", "1") == ERANGE);
    CHECK(option(OPT_PURGE_BUDGET) == MIB(48));
}

// Whatever get writes, set reads.
static void test_round_trip(void) {
    char value[64];
    start(NULL);
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = options_row((enum option_id)i);
        uint64_t                 before = option((enum option_id)i);
        CHECK(control_get(row->name, value, sizeof value) == 0);
        CHECK(control_set(row->name, value) == (row->live ? 0 : EPERM));
        CHECK(option((enum option_id)i) == before);
    }
}

static void test_mallopt_sizes(void) {
    start(NULL);
    CHECK(control_mallopt(M_MMAP_THRESHOLD, 128 << 10) == 1);
    CHECK(option(OPT_HUGE_THRESHOLD) == KIB(128));
    CHECK(options_origin(OPT_HUGE_THRESHOLD) == ORIGIN_PROGRAM);
    CHECK(control_mallopt(M_MMAP_THRESHOLD, 1) == 1);
    CHECK(option(OPT_HUGE_THRESHOLD) == options_row(OPT_HUGE_THRESHOLD)->min);
    CHECK(control_mallopt(M_MMAP_THRESHOLD, INT32_MAX) == 1);
    CHECK(option(OPT_HUGE_THRESHOLD) == options_row(OPT_HUGE_THRESHOLD)->max);
    CHECK(control_mallopt(M_TOP_PAD, 0) == 1 && option(OPT_TOP_PAD) == 0);
    CHECK(control_mallopt(M_TRIM_THRESHOLD, 4096) == 1 && option(OPT_TRIM_THRESHOLD) == 4096);
    CHECK(control_mallopt(M_TRIM_THRESHOLD, -1) == 1);
    CHECK(option(OPT_TRIM_THRESHOLD) == options_row(OPT_TRIM_THRESHOLD)->max);
}

static void test_mallopt_mmap_max(void) {
    start(NULL);
    CHECK(control_mallopt(M_MMAP_MAX, 65536) == 0);
    CHECK(control_mallopt(M_MMAP_MAX, -1) == 0);
    CHECK(option(OPT_HUGE_THRESHOLD) == options_row(OPT_HUGE_THRESHOLD)->fallback);
    CHECK(control_mallopt(M_MMAP_MAX, 0) == 1);
    CHECK(option(OPT_HUGE_THRESHOLD) == options_row(OPT_HUGE_THRESHOLD)->max);
}

// 1 only when something changed: never for what we do not have, or have at start only.
static void test_mallopt_refusals(void) {
    static const int none[] = {M_MXFAST, M_CHECK_ACTION, -7, 0, 2, 4711, -4711};
    start(NULL);
    for (unsigned i = 0; i < ARRAY_COUNT(none); i++)
        CHECK(control_mallopt(none[i], 1) == 0);
    CHECK(control_mallopt(NO_MALLOPT, 1) == 0);
    CHECK(control_mallopt(M_PERTURB, 0x1a5) == options_row(OPT_PERTURB)->live);
    CHECK(option(OPT_PERTURB) == (options_row(OPT_PERTURB)->live ? 0xa5 : 0));
    CHECK(control_mallopt(M_ARENA_MAX, 2) == options_row(OPT_ARENAS)->live);
    CHECK(option(OPT_ARENAS) == (options_row(OPT_ARENAS)->live ? 2 : 0));
    CHECK(control_mallopt(M_ARENA_MAX, -2) == 0);
}

int main(void) {
    test_get();
    test_set();
    test_round_trip();
    test_mallopt_sizes();
    test_mallopt_mmap_max();
    test_mallopt_refusals();
    CHECK_TEXT(fake_output(), "");
    return 0;
}
