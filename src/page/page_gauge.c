// page/page_gauge.c - see page_gauge.h.
#include "page/page_gauge.h"

#include "conf/counters.h"

enum { NEWCOMER_BYTES = 8 << 20, FEW_CACHES = 1 };

struct page_gauge_caches page_gauge_caches;

// Of what the thread will miss, what teaches nothing.
static __thread uint32_t excused_bytes;

void page_gauge_newcomer(void) {
    // The first thread's first memory is the process's: who swings learns from it.
    excused_bytes = PEEK(&page_gauge_caches.areas) > FEW_CACHES ? NEWCOMER_BYTES : 0;
}

void page_gauge_purged(struct page_gauge *gauge, uint64_t bytes) {
    __atomic_fetch_add(&gauge->purged_bytes, bytes, __ATOMIC_RELAXED);
}

void page_gauge_forget(struct page_gauge *gauge, uint64_t halvings) {
    uint64_t purged = PEEK(&gauge->purged_bytes);
    while (!__atomic_compare_exchange_n(&gauge->purged_bytes, &purged,
                                        halvings < 64 ? purged >> halvings : 0, true,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

uint64_t page_gauge_taken(struct page_gauge *gauge, uint64_t bytes) {
    uint64_t purged = PEEK(&gauge->purged_bytes), missed;
    do {
        missed = min_size(purged, bytes);
    } while (missed > 0 &&
             !__atomic_compare_exchange_n(&gauge->purged_bytes, &purged, purged - missed, true,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    uint32_t excused = (uint32_t)min_size(missed, excused_bytes);
    excused_bytes -= excused;
    if (missed > excused)
        __atomic_fetch_add(&gauge->missed_bytes, missed - excused, __ATOMIC_RELAXED);
    return missed;
}

uint64_t page_gauge_resident(const struct page_gauge *gauge) {
    uint64_t active = PEEK(&gauge->active_bytes), holes = PEEK(&gauge->hole_bytes);
    return active - min_size(active, holes) + PEEK(&counters_process.value[COUNTER_huge_bytes]);
}

void page_gauge_note_demand(struct page_gauge *gauge) {
    uint64_t resident = page_gauge_resident(gauge);
    uint64_t in_long = PEEK(&gauge->long_bytes) + PEEK(&counters_process.value[COUNTER_huge_bytes]);
    uint64_t demand = resident - min_size(resident, PEEK(&gauge->slack_bytes));
    demand += (demand + min_size(in_long, demand)) / 4;
    if (demand > PEEK(&gauge->demand))
        POKE(&gauge->demand, demand);
}
