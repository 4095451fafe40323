// local/caches.h - all caches of the process: births, deaths, sums, fork.
//
// Each cache has a seat, a small record apart from its area: an area that nobody uses can be given
// back to the kernel, and who looks for caches touches no area. The list of seats is append-only,
// areas are reused and never unmapped, so who walks it needs no protection. Who gives a cache up
// puts its seat on the list of unused ones, and the next thread takes it from there.
// Lock: RANK_CACHES around births, deaths, cleaning and fork.
#pragma once
#include "conf/counters.h"
#include "local/cache.h"
#include "page/meta.h"

enum cache_state {
    CACHE_UNUSED,    // waits for a thread
    CACHE_LIVE,      // belongs to a thread, or to who gives it up
    CACHE_ORPHAN,    // its thread did not survive fork; somebody will drain it
    CACHE_CLEANING,  // its area is being given back
};

struct thread_root;

struct cache_seat {
    struct meta_link    link;
    struct cache       *cache;        // the area; constant
    struct cache_seat  *next;         // in the list of all; constant once linked
    struct cache_seat  *next_unused;  // while CACHE_UNUSED; under the lock
    struct thread_root *root;         // of the thread that has it; NULL: it is not to be taken.
                                      // Set by that thread with release, cleared under the lock of
                                      // the roots (thread.h)
    int      number;                  // the kernel's of that thread; written before `root`
    uint64_t ran_ns;    // how long that thread had run when parked_take_idle looked; a hint
    uint32_t state;     // enum cache_state; under the lock, or by compare and exchange
    bool     is_clean;  // the area holds nothing; written while it is nobody's
};

// A live cache for the calling thread, or NULL: no memory.
struct cache *caches_new(void);
// From now on it may be taken from the thread of this root and number (thread.h).
void caches_own(struct cache *cache, struct thread_root *root, int number);
// The opposite; the caller holds the lock of the roots.
void caches_disown(struct cache_seat *seat);
// How many are owned: a hint.
uint32_t caches_owned(void);
// For walks along `next`.
struct cache_seat *caches_first(void);
// Drains and gives a live cache up that is not owned.
void caches_delete(struct cache *cache);
// Drains one cache whose thread fork did not copy, if any. Cheap when there is none.
void caches_adopt_orphan(void);
// Gives the areas of unused caches back to the kernel; returns the bytes. No lock may be held.
size_t caches_clean(void);

// Adds what all live caches hold, and their own memory.
void caches_count(struct counters *totals);
// Slots of one class that all live caches hold.
uint64_t caches_slots(class_id id);

// Where the list stands, for a reader of this process's memory (entry/inspect.h).
struct caches_sight {
    struct cache_seat *const *all;  // by cache_seat.next
};
extern const struct caches_sight caches_sight;

void caches_fork_prepare(void);
void caches_fork_parent(void);
// `mine` (may be NULL) is the cache of the thread that forked.
void caches_fork_child(struct cache *mine);
