// unit/page/test_fake_purge_floor.c - what free spans of many threads have of what may always be
// kept.
#include "tests/unit/page/purges.h"

// Of some threads: free slots and caches are kept as well, free spans have the rest, and a quarter
// at least.
static void what_else_is_kept_counts(void) {
    start(second);
    p->gauge.dirty_bytes = MIB(5);
    CHECK(purge_is_within(p));
    p->gauge.slack_bytes = MIB(2);
    page_gauge_caches.areas = MANY_CACHES;
    CHECK(purge_is_within(p));  // 8 - 2 * 5 / 4 - 2 * 32 / 256
    page_gauge_caches.areas = KIB(512) / os_page_bytes();
    CHECK(!purge_is_within(p));
    CHECK_EQ(purge_surplus(p, os_now_ns()), KIB(512) + (MIB(8) - MIB(5) / 2 - MIB(1)) / 8);
    p->gauge.slack_bytes = MIB(1);
    CHECK(purge_is_within(p));
    page_gauge_caches.room_bytes = MIB(900);  // of caches that work
    CHECK_EQ(purge_surplus(p, os_now_ns()), KIB(256) + KIB(4864) / 8);
    p->gauge.slack_bytes = MIB(100);
    CHECK_EQ(purge_surplus(p, os_now_ns()), MIB(5) - KIB(512) + KIB(64));
    page_gauge_caches.areas = SOME_CACHES - 1;
    CHECK_EQ(purge_surplus(p, os_now_ns()), 0);
    CHECK(purge_is_within(p));
    p->gauge.dirty_bytes = MIB(2);
    page_gauge_caches.areas = MIB(100) / os_page_bytes();
    CHECK_EQ(purge_surplus(p, os_now_ns()), MIB(2) - KIB(512) + KIB(64));
    CHECK_EQ(purge_allowance(p, os_now_ns()), MIB(8));  // of freed mappings
    page_gauge_caches.areas = page_gauge_caches.room_bytes = 0;
}

int main(void) {
    CASE(what_else_is_kept_counts);
    return 0;
}
