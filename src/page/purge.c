// page/purge.c - the three rules of purge.h.
#include "page/purge.h"

#include "conf/counters.h"
#include "conf/options.h"
#include "os/os.h"
#include "page/limit.h"
#include "page/thp.h"

enum {
    PAUSE_NS = 1000000000,
    REGRET_HALF_NS = 1000000000,
    QUIET_NS = 500000000,
    FADE_NS = 125000000,
    SLICE_BYTES = 8 << 20,
    MISSED_COUNTS = 4,
    KEEP_LEAST = 1 << 20,         // a shorter start goes with the end
    BESIDE_SLOTS = 4,             // free spans have at least that part of the floor,
    BESIDE_CACHES = 16,           // and in a process of very many threads that
    CALL_BYTES = 4 << 20,         // others wait for a call that they meet in the kernel
    SPANS_MOST = 16,              // of one call
    PRESSED_BUDGET = 256 << 10,   // under memory pressure
    DECAY_AGE = DECAY_STEPS / 4,
    HOLES_SHARE = 4,              // of the free slots above the budget, what goes at one tick,
    HOLES_URGENT = 3,             // unless they are so many times the budget
};
#define HOLES_LEAST MIB(4)

void purge_init(struct purge *purge, uint64_t decay_ns, uint64_t now_ns) {
    *purge = (struct purge){
        .next_ns = now_ns + decay_ns / DECAY_STEPS,
        .regret_ns = now_ns,
        .used_ns = now_ns,
        .look_ns = now_ns,
        .hole_regret_ns = now_ns,
        .low_bytes = UINT64_MAX,
    };
    lock_init(&purge->lock, RANK_HUGE);
    decay_init(&purge->decay, decay_ns, now_ns);
}

void purge_press(struct purge *purge, bool pressed) {
    POKE(&purge->pressed, pressed);
}
bool purge_is_pressed(const struct purge *purge) {
    return PEEK(&purge->pressed);
}

static uint64_t less(uint64_t bytes, uint64_t by, uint64_t least) {
    return bytes - min_size(by, bytes - min_size(bytes, least));
}

// Of what may always be kept, what free spans have. All of it, but in a process of some threads:
// free slots and caches are kept as well, and it is to stay small with all of them. Of a cache
// counts its area, and as much again at most: who has more room works. A quarter more is for ends
// of pages and records. Caches count twice: what they keep of slabs changes after the slots were
// last counted.
static uint64_t floor_of_spans(const struct purge *purge) {
    uint64_t floor = option(OPT_PURGE_BUDGET), slack = PEEK(&purge->gauge.slack_bytes);
    uint64_t count = PEEK(&page_gauge_caches.areas), areas = count * os_page_bytes();
    if (LIKELY(count < SOME_CACHES))
        return floor;
    uint64_t caches = areas + min_size(PEEK(&page_gauge_caches.room_bytes), areas);
    uint64_t rest = less(floor, slack + slack / 4, floor / BESIDE_SLOTS);
    return less(rest, 2 * caches, floor / BESIDE_CACHES);
}

static uint64_t budget_above(const struct purge *purge, uint64_t floor) {
    if (UNLIKELY(purge_is_pressed(purge)))
        return PRESSED_BUDGET;
    uint64_t active = PEEK(&purge->gauge.active_bytes);
    uint64_t resident = active - min_size(active, PEEK(&purge->gauge.hole_bytes));
    uint64_t share = resident / 100 * option(OPT_PURGE_PERCENT);
    return share > floor ? share : floor;
}
static uint64_t budget(const struct purge *purge) {
    return budget_above(purge, option(OPT_PURGE_BUDGET));
}
static uint64_t budget_of_spans(const struct purge *purge) {
    return budget_above(purge, floor_of_spans(purge));
}

// Demand that nothing is left of for half a second is over: what it taught goes, half of it each
// eighth of a second. What others use, a sixty-fourth of the regret in each of these, is not taken
// for it: it is counted when it happens, not when in sum it is enough.
static uint64_t fade_locked(struct purge *purge, uint64_t regret, uint64_t now_ns) {
    uint64_t used = PEEK(&purge->gauge.reused_bytes) + PEEK(&purge->gauge.missed_bytes);
    if (now_ns - purge->look_ns >= FADE_NS || now_ns < purge->look_ns) {
        if (used - purge->used_seen > regret / 64 || now_ns < purge->used_ns)
            purge->used_ns = now_ns;
        purge->used_seen = used;
        purge->look_ns = now_ns;
    }
    if (now_ns < purge->used_ns || now_ns - purge->used_ns < QUIET_NS + FADE_NS)
        return regret;
    uint64_t halvings = (now_ns - purge->used_ns - QUIET_NS) / FADE_NS;
    purge->used_ns += halvings * FADE_NS;
    return halvings < 64 ? regret >> halvings : 0;
}

// What was missed since the last look counts more than once, what is old is halved. Counted once,
// free memory that swings far would be found out in many small steps, each with its page faults.
static void learn_locked(struct purge *purge, uint64_t now_ns) {
    uint64_t regret = purge->regret, missed = PEEK(&purge->gauge.missed_bytes);
    uint64_t halvings = (now_ns - purge->regret_ns) / REGRET_HALF_NS;
    if (now_ns > purge->regret_ns && halvings > 0) {
        uint64_t high = PEEK(&purge->high_bytes), low = PEEK(&purge->low_bytes);
        uint64_t reused = PEEK(&purge->gauge.reused_bytes);
        uint64_t swing = max_size(high - min_size(low, high),
                                  min_size(reused - purge->reused_seen, high));
        purge->reused_seen = reused;
        regret = max_size(halvings < 64 ? regret >> halvings : 0, min_size(regret, swing));
        purge->regret_ns += halvings * REGRET_HALF_NS;
        page_gauge_forget(&purge->gauge, halvings);
        POKE(&purge->high_bytes, 0);
        POKE(&purge->low_bytes, UINT64_MAX);
        POKE(&purge->demand_before, halvings > 1 ? 0 : PEEK(&purge->gauge.demand));
        POKE(&purge->gauge.demand, 0);
        page_gauge_note_demand(&purge->gauge);
    }
    regret = fade_locked(purge, regret, now_ns);
    POKE(&purge->regret, regret + MISSED_COUNTS * (missed - purge->missed_seen));
    purge->missed_seen = missed;
}

// Free memory that is kept for demand to come back is no more than demand was, with what does not
// fit.
static uint64_t room_for_regret(const struct purge *purge) {
    uint64_t most = max_size(PEEK(&purge->gauge.demand), PEEK(&purge->demand_before));
    return most - min_size(most, page_gauge_resident(&purge->gauge));
}

// Nothing is regretted while others wait for memory; nor, by many threads, what is less than may
// always be kept: demand that comes back again and again makes more of it.
static uint64_t most_now(const struct purge *purge, uint64_t budget) {
    uint64_t regret = PEEK(&purge->regret);
    if (UNLIKELY(purge_is_pressed(purge)) ||
        (page_gauge_many() && regret <= option(OPT_PURGE_BUDGET)))
        return budget;
    return budget + min_size(regret, room_for_regret(purge));
}

static void learn(struct purge *purge, uint64_t now_ns) {
    if (lock_try(&purge->lock)) {
        learn_locked(purge, now_ns);
        lock_release(&purge->lock);
    }
}

uint64_t purge_allowance(struct purge *purge, uint64_t now_ns) {
    learn(purge, now_ns);
    return most_now(purge, budget(purge));
}

static void note_swing(struct purge *purge, uint64_t dirty) {
    if (dirty > PEEK(&purge->high_bytes))
        POKE(&purge->high_bytes, dirty);
    if (dirty < PEEK(&purge->low_bytes))
        POKE(&purge->low_bytes, dirty);
}

// Above the soft limit: what has to go of free memory. Not before some has gathered, so that not
// each free ends in a system call.
static uint64_t beyond_limit(uint64_t dirty) {
    uint64_t excess = limit_excess(), slack = limit_slack();
    return excess > 0 && dirty >= slack ? min_size(dirty, excess + slack) : 0;
}

bool purge_is_within(struct purge *purge) {
    uint64_t dirty = PEEK(&purge->gauge.dirty_bytes);
    note_swing(purge, dirty);
    if (limit_is_set() && beyond_limit(dirty) > 0)
        return false;
    return dirty <= most_now(purge, budget_of_spans(purge));
}

size_t purge_surplus(struct purge *purge, uint64_t now_ns) {
    uint64_t dirty = PEEK(&purge->gauge.dirty_bytes), limit = budget_of_spans(purge);
    uint64_t beyond = limit_is_set() ? beyond_limit(dirty) : 0;
    note_swing(purge, dirty);
    if (LIKELY(dirty <= limit && beyond == 0) || now_ns < PEEK(&purge->pause_ns))
        return 0;
    learn(purge, now_ns);
    uint64_t most = most_now(purge, limit);
    return max_size(beyond, dirty > most ? dirty - most + limit / 8 : 0);
}

static size_t tick_locked(struct purge *purge, uint64_t now_ns) {
    uint64_t dirty = PEEK(&purge->gauge.dirty_bytes);
    decay_add(&purge->decay, dirty > purge->seen_bytes ? dirty - purge->seen_bytes : 0, now_ns);
    uint64_t limit = decay_limit(&purge->decay, now_ns);
    purge->seen_bytes = dirty < limit ? dirty : limit;
    POKE(&purge->next_ns, now_ns + purge->decay.period_ns / DECAY_STEPS);
    POKE(&purge->gauge.step, purge->gauge.step + 1);
    return dirty > limit ? dirty - limit : 0;
}

bool purge_tick(struct purge *purge, uint64_t now_ns, size_t *surplus) {
    if (purge->decay.period_ns == 0 || now_ns < PEEK(&purge->next_ns) ||
        now_ns < PEEK(&purge->pause_ns) || !lock_try(&purge->lock))
        return false;
    learn_locked(purge, now_ns);
    *surplus = tick_locked(purge, now_ns);
    lock_release(&purge->lock);
    return true;
}

static void learn_holes_locked(struct purge *purge, uint64_t missed, uint64_t now_ns) {
    uint64_t regret = purge->hole_regret;
    uint64_t halvings = (now_ns - purge->hole_regret_ns) / REGRET_HALF_NS;
    if (now_ns > purge->hole_regret_ns && halvings > 0) {
        regret = halvings < 64 ? regret >> halvings : 0;
        purge->hole_regret_ns += halvings * REGRET_HALF_NS;
    }
    // No more than half as much again: slabs have patience of their own.
    regret += missed - min_size(missed, purge->hole_missed_seen);
    POKE(&purge->hole_regret, min_size(regret, budget(purge) / 4));
    purge->hole_missed_seen = max_size(missed, purge->hole_missed_seen);
}

// Who finds another learning takes what was learned before: a look that found nothing for that
// reason would be taken for the end of what is too much.
static uint64_t hole_regret(struct purge *purge, uint64_t missed, uint64_t now_ns) {
    if (lock_try(&purge->lock)) {
        learn_holes_locked(purge, missed, now_ns);
        lock_release(&purge->lock);
    }
    return UNLIKELY(purge_is_pressed(purge)) ? 0 : PEEK(&purge->hole_regret);
}

size_t purge_hole_surplus(struct purge *purge, uint64_t slack, uint64_t missed, uint64_t now_ns,
                          bool *urgent) {
    *urgent = false;
    if (now_ns < PEEK(&purge->pause_ns))
        return 0;
    uint64_t most = budget(purge) / 2 + hole_regret(purge, missed, now_ns);
    if (UNLIKELY(limit_is_set()) && limit_excess() > 0)
        most = 0;
    if (slack <= most)
        return 0;
    *urgent = slack > HOLES_URGENT * most;
    return *urgent ? slack - most
                   : min_size(slack - most, max_size((slack - most) / HOLES_SHARE, HOLES_LEAST));
}

// Of a long span the end goes, as much as is wanted: what stays is where use begins.
static size_t bytes_to_keep(const struct span *span, size_t wanted) {
    size_t rest = span->resident - min_size(span->resident, wanted), unit = thp_unit();
    if (rest < KEEP_LEAST)
        return 0;
    if (unit == 0)
        return align_down(rest, GRANULE);
    uintptr_t whole = align_down(span->base + rest, unit);
    return whole > span->base ? whole - span->base : 0;
}

// No call ends inside a unit of huge pages because of its length.
static bool purge_range(uintptr_t at, uintptr_t end) {
    size_t unit = max_size(thp_unit(), 1), most = max_size(CALL_BYTES, unit);
    while (at < end) {
        uintptr_t next = min_size(align_down(at + most, unit), end);
        counters_add(&counters_process, COUNTER_purges, 1);
        if (os_purge((void *)at, next - at) != 0)
            return false;
        at = next;
    }
    return true;
}

// A detached span, of which what lies from `from` on goes.
struct going {
    struct span *span;
    uintptr_t    from;
    size_t       resident;  // bytes of that
};

// The first ones of the list, as many as one call may take; a long one, or one that stays, is
// alone. The kernel is asked what is resident there: blocks whose pages were never touched are
// nothing to be missed, and which part of a span that was joined from several is resident nobody
// else knows.
static uint32_t gather(const struct list *list, size_t wanted, struct going *going) {
    uint32_t count = 0;
    size_t   sum = 0;
    for (struct list *node = list->next; node != list && count < SPANS_MOST; node = node->next) {
        struct span *span = CONTAINER_OF(node, struct span, lru);
        uintptr_t    from = span->base + bytes_to_keep(span, wanted);
        size_t       bytes = span_end(span) - from, resident;
        if (count > 0 && (bytes == 0 || sum + bytes > CALL_BYTES))
            break;
        resident = min_size(span->resident, os_resident_in((void *)from, bytes));
        going[count++] = (struct going){span, from, resident};
        sum += max_size(bytes, 1);
        wanted -= min_size(wanted, span->resident);
    }
    return count;
}

static uint32_t purge_together(const struct going *going, uint32_t count) {
    struct os_range ranges[SPANS_MOST];
    if (count == 1)
        return purge_range(going->from, span_end(going->span));
    for (uint32_t i = 0; i < count; i++)
        ranges[i] = (struct os_range){(void *)going[i].from,
                                      span_end(going[i].span) - going[i].from};
    counters_add(&counters_process, COUNTER_purges, 1);
    return os_purge_all(ranges, count);
}

// Puts the span back; returns the bytes by which it is less resident.
static size_t finish(struct page_heap *heap, const struct going *going, bool gone,
                     enum purge_reason reason) {
    struct span *span = going->span;
    uintptr_t    from = going->from;
    size_t       kept = from - span->base, before = span->resident, left = 0;
    if (!gone) {
        page_heap_attach(heap, span, false);
        return 0;
    }
    counters_add(&counters_process, COUNTER_purged_bytes, going->resident);
    if (from < span_end(span))
        thp_purged(span->region, from, span_end(span) - from);
    if (reason != PURGE_ON_REQUEST)
        page_gauge_purged(heap->gauge, going->resident);
    if (kept > 0) {
        left = min_size(before, os_resident_in((void *)span->base, kept));
        page_heap_attach_start(heap, span, left);
    } else {
        page_heap_attach(heap, span, true);
    }
    return before - left;
}

// False: the kernel refused.
static bool purge_some(struct page_heap *heap, const struct list *list, size_t wanted,
                       size_t *done, enum purge_reason reason) {
    struct going going[SPANS_MOST];
    uint32_t     count = gather(list, wanted, going), gone = purge_together(going, count);
    for (uint32_t i = 0; i < count; i++)
        *done += finish(heap, &going[i], i < gone, reason);
    return gone == count;
}

static size_t purge_slice(struct purge *purge, struct page_heap *heap, size_t bytes,
                          enum purge_reason reason) {
    struct list list;
    size_t      done = 0;
    bool        refused = false;
    list_init(&list);
    unsigned age = reason == PURGE_DECAY ? DECAY_AGE : 0;
    size_t   held = page_heap_detach_dirty(heap, bytes, age, &list);
    limit_hold(held);
    while (!refused && !list_is_empty(&list))
        refused = !purge_some(heap, &list, bytes - min_size(bytes, done), &done, reason);
    while (!list_is_empty(&list))
        page_heap_attach(heap, CONTAINER_OF(list_first(&list), struct span, lru), false);
    limit_release(held);
    if (refused)
        POKE(&purge->pause_ns, os_now_ns() + PAUSE_NS);
    return refused ? 0 : done;
}

// In slices: what is detached is nobody's to use, and a forked child gets it back as dirty.
size_t purge_heap(struct purge *purge, struct page_heap *heap, size_t bytes,
                  enum purge_reason reason) {
    size_t done = 0;
    lock_assert_none_held();
    while (done < bytes) {
        size_t slice = purge_slice(purge, heap, min_size(bytes - done, SLICE_BYTES), reason);
        if (slice == 0)
            break;
        done += slice;
    }
    return done;
}
