// page/limit.c - see limit.h.
#include "page/limit.h"

#include "conf/counters.h"
#include "page/meta.h"

enum { SLACK_SHARE = 64, CLOSE_SHARE = 8, SLACK_MIN = 64 << 10, TRIM_NS = 1000000000 };
enum { RACES_MAX = 16 };

struct limit limit_values = {.soft = UINT64_MAX, .hard = UINT64_MAX};

// Relaxed, all three: sums and hints.
static uint64_t reserved_bytes;
static uint64_t trim_next_ns;    // no trim before, unless
static uint64_t trim_next_used;  // so much is in use

void limit_start(const struct page_gauge *gauge, uint64_t soft, uint64_t hard) {
    limit_values = (struct limit){
        .is_set = soft || hard,
        .soft = soft ? soft : UINT64_MAX,
        .hard = hard ? hard : UINT64_MAX,
        .gauge = gauge,
    };
    limit_fork_child();
}

void limit_fork_child(void) {
    POKE(&reserved_bytes, 0);
    POKE(&trim_next_ns, 0);
    POKE(&trim_next_used, 0);
}

static uint64_t figure(enum counter_id id) {
    return PEEK(&counters_process.value[id]);
}

// Of the process's figures "slack" is that of large and huge blocks only. A sum of moments: while a
// part moves from one figure to the other it may be missed for that moment, and a difference may
// seem negative.
uint64_t limit_used(void) {
    const struct page_gauge *gauge = limit_values.gauge;
    int64_t sum = (int64_t)(PEEK(&gauge->dirty_bytes) + PEEK(&gauge->slab_bytes) +
                            figure(COUNTER_large_bytes) + figure(COUNTER_huge_bytes) +
                            figure(COUNTER_slack_bytes) + figure(COUNTER_huge_cached_bytes) +
                            figure(COUNTER_guarded_bytes) +
                            PEEK(&reserved_bytes) + meta_bytes());
    return sum > 0 ? (uint64_t)sum : 0;
}

uint64_t limit_excess(void) {
    uint64_t used = limit_values.soft == UINT64_MAX ? 0 : limit_used();
    return used > limit_values.soft ? used - limit_values.soft : 0;
}

bool limit_is_close(void) {
    uint64_t used = limit_used(), least = min_size(limit_values.soft, limit_values.hard);
    return figure(COUNTER_slack_bytes) > least / SLACK_SHARE ||
           used > limit_values.soft - limit_values.soft / CLOSE_SHARE ||
           used > limit_values.hard - limit_values.hard / CLOSE_SHARE;
}

uint64_t limit_slack(void) {
    return max_size(limit_values.soft / SLACK_SHARE, SLACK_MIN);
}

bool limit_reserve_slow(uint64_t bytes) {
    uint64_t hard = limit_values.hard;
    if (hard == UINT64_MAX)
        return true;
    // Who is refused adds nothing, not for a moment: another's smaller request may still fit. Two
    // that fit alone and not together try again.
    for (unsigned i = 0; i < RACES_MAX && bytes <= hard && limit_used() <= hard - bytes; i++) {
        __atomic_fetch_add(&reserved_bytes, bytes, __ATOMIC_RELAXED);
        if (limit_used() <= hard)
            return true;
        __atomic_fetch_sub(&reserved_bytes, bytes, __ATOMIC_RELAXED);
    }
    return false;
}

void limit_hold_slow(uint64_t bytes) {
    if (limit_values.hard != UINT64_MAX)
        __atomic_fetch_add(&reserved_bytes, bytes, __ATOMIC_RELAXED);
}

void limit_release_slow(uint64_t bytes) {
    if (limit_values.hard != UINT64_MAX)
        __atomic_fetch_sub(&reserved_bytes, bytes, __ATOMIC_RELAXED);
}

bool limit_is_in_flux(void) {
    return PEEK(&reserved_bytes) > 0;
}

bool limit_trim_is_due(uint64_t now_ns) {
    uint64_t used = limit_used(), next_ns = PEEK(&trim_next_ns);
    if (used <= limit_values.soft || (now_ns < next_ns && used < PEEK(&trim_next_used)))
        return false;
    POKE(&trim_next_used, UINT64_MAX);
    // One thread is enough.
    return __atomic_compare_exchange_n(&trim_next_ns, &next_ns, now_ns + TRIM_NS, false,
                                       __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

void limit_trimmed(void) {
    POKE(&trim_next_used, limit_used() + 2 * limit_slack());
}
