// unit/page/test_page_gauge.c - what is missed of what was given back, and for how long.
#include "page/page_gauge.h"

#include "tests/unit/cases.h"

static struct page_gauge gauge;

static void no_more_is_missed_than_went(void) {
    page_gauge_purged(&gauge, 100);
    CHECK_EQ(page_gauge_taken(&gauge, 30), 30);
    CHECK_EQ(page_gauge_taken(&gauge, 90), 70);
    CHECK_EQ(page_gauge_taken(&gauge, 1), 0);
    CHECK_EQ(gauge.purged_bytes, 0);
    CHECK_EQ(gauge.missed_bytes, 100);
}

static void what_is_forgotten_is_not_missed(void) {
    page_gauge_purged(&gauge, 96);
    page_gauge_forget(&gauge, 0);
    CHECK_EQ(gauge.purged_bytes, 96);
    page_gauge_forget(&gauge, 1);
    CHECK_EQ(gauge.purged_bytes, 48);
    page_gauge_forget(&gauge, 3);
    CHECK_EQ(page_gauge_taken(&gauge, 100), 6);
    for (unsigned halvings = 63; halvings <= 65; halvings++) {
        page_gauge_purged(&gauge, UINT64_MAX >> 1);
        page_gauge_forget(&gauge, halvings);
        CHECK_EQ(gauge.purged_bytes, 0);
    }
    CHECK_EQ(gauge.missed_bytes, 6);
}

// The thread's first memory is asked for in any case, but that of the first thread.
static void newcomers_miss_nothing(void) {
    gauge = (struct page_gauge){0};
    page_gauge_caches.areas = 1;
    page_gauge_purged(&gauge, MIB(30));
    page_gauge_newcomer();
    CHECK_EQ(page_gauge_taken(&gauge, MIB(5)), MIB(5));
    CHECK_EQ(gauge.missed_bytes, MIB(5));
    gauge = (struct page_gauge){0};
    page_gauge_caches.areas = 2;
    page_gauge_purged(&gauge, MIB(30));
    page_gauge_newcomer();
    CHECK_EQ(page_gauge_taken(&gauge, MIB(5)), MIB(5));
    CHECK_EQ(gauge.missed_bytes, 0);
    CHECK_EQ(page_gauge_taken(&gauge, MIB(5)), MIB(5));
    CHECK_EQ(gauge.missed_bytes, MIB(2));
    CHECK_EQ(page_gauge_taken(&gauge, MIB(1)), MIB(1));
    CHECK_EQ(gauge.missed_bytes, MIB(3));
    CHECK_EQ(gauge.purged_bytes, MIB(19));
}

int main(void) {
    CASE(no_more_is_missed_than_went);
    CASE(what_is_forgotten_is_not_missed);
    CASE(newcomers_miss_nothing);
    return 0;
}
