// local/caches.h - all caches of the process: births, deaths, sums, fork.
//
// An append-only list: areas are reused and never unmapped, so who walks it needs no protection.
// Who gives a cache up puts it on the list of unused ones, and the next thread takes it from there.
// `next` of a cache is constant once linked, `state` changes under the lock or by compare and
// exchange.
// Lock: RANK_CACHES around births, deaths and fork.
#pragma once
#include "conf/counters.h"
#include "local/cache.h"

// A live cache for the calling thread, or NULL: no memory.
struct cache *caches_new(void);
// Drains and gives a live cache up.
void caches_delete(struct cache *cache);
// Drains one cache whose thread fork did not copy, if any. Cheap when there is none.
void caches_adopt_orphan(void);

// Adds what all live caches hold, and their own memory.
void caches_count(struct counters *totals);
// Slots of one class that all live caches hold.
uint64_t caches_slots(class_id id);

// Where the list stands, for a reader of this process's memory (entry/inspect.h).
struct caches_sight {
    struct cache *const *all;  // by cache.next
};
extern const struct caches_sight caches_sight;

void caches_fork_prepare(void);
void caches_fork_parent(void);
// `mine` (may be NULL) is the cache of the thread that forked.
void caches_fork_child(struct cache *mine);
