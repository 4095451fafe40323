// page/page_gauge.h - what the page heaps of the process hold together, and what was missed of the
// memory that was given back.
#pragma once
#include "base/base.h"

// Bytes of all page heaps of the process together; adjusted with relaxed atomics under the heaps'
// locks.
struct page_gauge {
    uint64_t dirty_bytes;   // resident in free spans
    uint64_t active_bytes;  // in spans in use
    uint64_t long_bytes;    // of those, what is in spans of LONG_BYTES and more
    uint64_t hole_bytes;    // of active ones, what went back in slabs: as the last look found it
    uint64_t slack_bytes;   // and what is in free slots that were used once; likewise
    uint64_t slab_bytes;    // resident in slabs; kept by bins, and only where a limit is set
    uint64_t demand;        // the most that was in use lately, and what free spans need beside it
                            // (page_gauge_note_demand); the purge forgets it. Relaxed: a hint
    uint64_t purged_bytes;  // given back to the kernel, and not taken again since
    uint64_t missed_bytes;  // taken again after they were given back, ever: each was a page fault
    uint64_t reused_bytes;  // resident ones that were taken again, ever: of free spans, and freed
                            // mappings
    uint32_t step;          // ticks of the decay so far, written by the purge: the clock of those
                            // who ask how long something was left alone; relaxed
};

// What all caches of threads hold or may hold, and how many areas they have, each of which is
// taken for one page: kept by the caches.
// Relaxed: a budget. Each in a line of its own: all threads write the room, and would take what
// stands beside it from those that read that at each slow path.
extern struct page_gauge_caches {
    CACHE_ALIGNED uint64_t room_bytes;
    CACHE_ALIGNED uint64_t areas;
} page_gauge_caches;

// From so many on, what a thread's cache keeps is counted strictly: many park, and work little.
// From some on it is a part of what the process keeps that tells.
enum { LONG_BYTES = 1 << 20 };
enum { MANY_CACHES = 32, SOME_CACHES = 8 };
ALWAYS_INLINE bool page_gauge_many(void) {
    return PEEK(&page_gauge_caches.areas) >= MANY_CACHES;
}

// Resident memory was given back; zero pages were taken. How much of what is taken had been given
// back before is not known of a span, only of the process: the purge learns from the sums. The
// answer is what was, as far as that is known.
void page_gauge_purged(struct page_gauge *gauge, uint64_t bytes);
// A thread that begins beside others asks for its first memory whatever was given back: what it
// misses of that, up to NEWCOMER_BYTES, is no sign that the process swings, and nothing is learned
// from it. So a thousand threads that each work once leave no regret behind them.
void page_gauge_newcomer(void);
// Of what was given back so far, all but a 2^halvings-th is taken for gone for good.
void page_gauge_forget(struct page_gauge *gauge, uint64_t halvings);
// A span in use is `after` bytes long now, 0 = none any more; any thread.
ALWAYS_INLINE void page_gauge_long(struct page_gauge *gauge, size_t before, size_t after) {
    before = before < LONG_BYTES ? 0 : before;
    after = after < LONG_BYTES ? 0 : after;
    if (UNLIKELY(before != after))
        __atomic_fetch_add(&gauge->long_bytes, after - before, __ATOMIC_RELAXED);
}
// What is resident in use now: slabs with their free slots, large and huge blocks.
uint64_t page_gauge_resident(const struct page_gauge *gauge);
// To be called after something came into use: it counts without the free slots. A quarter more is
// for what does not fit, of long spans a half: they leave gaps of their own size, half as many as
// there are spans (Knuth's fifty-percent rule), where slots and short spans fill each other's.
void page_gauge_note_demand(struct page_gauge *gauge);
uint64_t page_gauge_taken(struct page_gauge *gauge, uint64_t bytes);
