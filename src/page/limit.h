// page/limit.h - how much the heap may hold: a soft limit and a hard one, both off unless set.
//
// What counts is what is, or may be made, resident: large and huge blocks whole, whether their
// pages were touched or not; of slabs what was ever used, holes taken off; free spans and freed
// mappings as far as they are resident; records. Not counted: the page map and the arrays of caches
// (a few KiB a thread), and what is not the heap.
//   soft  above it free memory has no budget, caches stay small, and what lies free inside slabs is
//         given back, too; not at each free, but when a little has gathered
//   hard  whoever takes memory into use asks first (limit_reserve). No: what is free is given back
//         and he asks again, then the request fails
// Both are sums of the moment: what several threads take at once is held against each other while
// they take it, so the hard limit is never passed by a race.
#pragma once
#include "page/page_heap.h"

struct limit {  // constant after limit_start
    bool                     is_set;
    uint64_t                 soft, hard;  // UINT64_MAX = none
    const struct page_gauge *gauge;
};
extern struct limit limit_values;  // written by limit.c only

// Once, before the first block. 0 = none.
void limit_start(const struct page_gauge *gauge, uint64_t soft, uint64_t hard);

// False, always: none of the functions below has an effect. One load.
ALWAYS_INLINE bool limit_is_set(void) {
    return UNLIKELY(limit_values.is_set);
}

// Bytes that count, those reserved included.
uint64_t limit_used(void);
// Bytes above the soft limit; 0 = within.
uint64_t limit_excess(void);
// In the last eighth below a limit, or above it, or when a 64th of it lies unused behind blocks:
// resident bytes that nobody uses are worth a call.
bool limit_is_close(void);
// What may gather above the soft limit before it is given back.
uint64_t limit_slack(void);
// False: `bytes` more would pass the hard limit. True: they count until limit_release, which
// follows as soon as the memory counts by itself, or was not to be had: what counts twice for a
// moment may be what others are refused for.
bool limit_reserve_slow(uint64_t bytes);
void limit_release_slow(uint64_t bytes);
// As after a limit_reserve that nothing refuses: for resident memory that is in nobody's figures
// while it changes hands, or is on its way to the kernel.
void limit_hold_slow(uint64_t bytes);
ALWAYS_INLINE bool limit_reserve(uint64_t bytes) {
    return !limit_is_set() || limit_reserve_slow(bytes);
}
ALWAYS_INLINE void limit_hold(uint64_t bytes) {
    if (limit_is_set())
        limit_hold_slow(bytes);
}
ALWAYS_INLINE void limit_release(uint64_t bytes) {
    if (limit_is_set())
        limit_release_slow(bytes);
}
// Somebody is between limit_reserve and its release: what he has may count twice.
bool limit_is_in_flux(void);
// True, above the soft limit, when a second went by or more came into use since the last time:
// the caller gives back all that is free.
bool limit_trim_is_due(uint64_t now_ns);
// To be called after it.
void limit_trimmed(void);
// What other threads had reserved, they never release here.
void limit_fork_child(void);
