// tests/unit/conf/test_fake_options_change.c - the seal on the page of options, around changes.
#include <limits.h>

#include "conf/options.h"
#include "os/lock.h"
#include "tests/support/fake_os.h"
#include "tests/unit/check_text.h"

static void start_sealed(void) {
    fake_reset();
    options_start(NULL);
    options_seal();
    CHECK(fake_is_sealed(&options_page));
    fake_forget();
}

// A change opens the page, and seals it again; what is refused before that does neither.
static void test_sealed_again(void) {
    start_sealed();
    for (unsigned i = 1; i <= 3; i++) {
        CHECK_EQ(options_set(OPT_HUGE_CACHE, MIB(i)), OPTION_OK);
        CHECK_EQ(option(OPT_HUGE_CACHE), MIB(i));
        CHECK(fake_is_sealed(&options_page));
        CHECK_EQ(fake_count(FAKE_SEAL), 2 * i);
    }
    CHECK_EQ(options_set(OPT_ARENAS, 2), OPTION_NOT_LIVE);
    CHECK_EQ(options_set(OPT_CACHE, UINT64_MAX), OPTION_RANGE);
    CHECK_EQ(options_set_text(OPT_CACHE, "nonsense"), OPTION_MALFORMED);
    CHECK_EQ(fake_count(FAKE_SEAL), 6);
}

// Before the start is over, as in the other tests here, nothing is sealed.
static void test_not_sealed_yet(void) {
    fake_reset();
    options_start(NULL);
    CHECK_EQ(options_set(OPT_HUGE_CACHE, MIB(1)), OPTION_OK);
    CHECK_EQ(fake_count(FAKE_SEAL), 0);
}

// A kernel that will not open the page refuses the change; one that will not seal it leaves it
// open, and the next change tries again.
static void test_refused(void) {
    start_sealed();
    fake_fail(FAKE_SEAL, 1, 1);
    CHECK_EQ(options_set(OPT_HUGE_CACHE, MIB(1)), OPTION_NOT_LIVE);
    CHECK_EQ(option(OPT_HUGE_CACHE), options_row(OPT_HUGE_CACHE)->fallback);
    fake_fail(FAKE_SEAL, 2, 1);
    CHECK_EQ(options_set(OPT_HUGE_CACHE, MIB(2)), OPTION_OK);
    CHECK(!fake_is_sealed(&options_page));
    fake_forget();
    CHECK_EQ(options_set(OPT_HUGE_CACHE, MIB(3)), OPTION_OK);
    CHECK_EQ(option(OPT_HUGE_CACHE), MIB(3));
    CHECK(fake_is_sealed(&options_page));
    CHECK_EQ(fake_count(FAKE_SEAL), 1);  // it was open
    fake_fail(FAKE_SEAL, 1, UINT_MAX);   // as on larger pages
    options_seal();
    CHECK_EQ(options_set(OPT_HUGE_CACHE, MIB(4)), OPTION_OK);
    CHECK_EQ(option(OPT_HUGE_CACHE), MIB(4));
}

static enum option_result inside;

static void change_another(bool sealed) {
    (void)sealed;
    inside = options_set(OPT_PURGE_BUDGET, MIB(3));
}

// A handler that comes while its thread has the page open, or has just sealed it.
static void test_handler(void) {
    start_sealed();
    uint64_t before = option(OPT_PURGE_BUDGET);
    inside = OPTION_OK;
    fake_on_seal(change_another);
    CHECK_EQ(options_set(OPT_HUGE_CACHE, MIB(1)), OPTION_OK);
    fake_on_seal(NULL);
    CHECK_EQ(inside, OPTION_BUSY);
    CHECK_EQ(option(OPT_PURGE_BUDGET), before);
    CHECK_EQ(option(OPT_HUGE_CACHE), MIB(1));
    CHECK(fake_is_sealed(&options_page));
}

// One that came inside malloc, whose locks are all above, changes what it likes.
static void test_handler_in_malloc(void) {
    struct lock other = LOCK_INIT(RANK_META);
    start_sealed();
    lock_acquire(&other);
    CHECK_EQ(options_set(OPT_HUGE_CACHE, MIB(5)), OPTION_OK);
    lock_release(&other);
    CHECK_EQ(option(OPT_HUGE_CACHE), MIB(5));
}

static void test_fork(void) {
    start_sealed();
    options_fork_prepare();
    options_fork_child();
    CHECK_EQ(options_set(OPT_HUGE_CACHE, MIB(1)), OPTION_OK);
    lock_fork_over();
    options_fork_prepare();
    options_fork_parent();
    CHECK_EQ(options_set(OPT_HUGE_CACHE, MIB(2)), OPTION_OK);
    CHECK(fake_is_sealed(&options_page));
}

int main(void) {
    test_not_sealed_yet();
    test_sealed_again();
    test_refused();
    test_handler();
    test_handler_in_malloc();
    test_fork();
    return 0;
}
