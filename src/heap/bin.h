// heap/bin.h - the slabs of one size class in one arena (or one user's heap), under one lock.
//
// Theory
//  1. Slabs with a free slot stand in a tree ordered by (how full, address): a batch comes from the
//     fullest slab with room, lowest address first, so that sparse slabs drain and go. How full is
//     told in 8 to 15 steps, and a slab moves when it is two steps from where it stands. Full slabs
//     are nowhere; their slots lead back to them. A full one that gets slots back waits, beside
//     sixteen at most, until somebody takes or looks for holes; then all of them are put there.
//  2. Slots come back under the lock (bin_give) or without it (bin_return): then the slab is
//     announced on the bin's hand-back stack, and whoever next holds the lock merges. A returning
//     thread itself merges, by try-lock, when half a slab's worth has come back since the last
//     merge, so that a bin whose owner sleeps for ever still drains.
//  3. A slab all of whose slots are free, and on which no thread works, goes to the page heap at
//     the give or merge that finds it so. With a fence before it, which costs system calls, it
//     stays as long as few others of the bin do, until somebody looks for holes.
// Lock: RANK_BIN, of a user's heap RANK_USER_BIN; below it page heap, page map and meta. Nothing
// here makes a system call under it but by growing the page heap.
#pragma once
#include "conf/counters.h"
#include "conf/options.h"
#include "heap/slab.h"
#include "os/lock.h"
#include "page/page_heap.h"

struct user_heap;

// Where a look for holes stands, in the order of the bin's tree but from the sparsest step on.
struct hollow_place {
    uint64_t minor;  // of the slab visited last; 0: none of this level yet
    uint8_t  level;  // of the tree's `major`
    bool     begun;
    bool     later;  // something was passed by that is to go, but not yet
};

struct bin {
    struct lock       lock;
    class_id          id;       // constant, as are the next one and owner
    struct page_heap *pages;    // where slabs come from
    struct tree       partial;  // theory 1; under the lock
    struct list       waiting;  // of span.lru: slabs that will stand there; under the lock
    uint32_t          waiting_count;
    uint32_t          spare_count;  // theory 3; under the lock
    struct handback   news;     // theory 2
    uint32_t          pending;  // slots returned since the last merge; relaxed: a hint
    // figures; written under the lock, read by anybody
    uint32_t          slab_count;
    uint64_t          taken;       // slots taken (or returned and not merged)
    uint64_t          touched;     // sum of the slabs' high_water
    uint64_t          hole_bytes;  // given back inside slabs
    uint64_t          hole_missed;  // taken again of those, but for a trim's: since the start
    uint64_t          refills;     // batches that caches took, and the next two: since the start
    uint64_t          flushes;     // batches that caches gave back
    uint64_t          merged;      // slots that came back without the lock
    // written under the lock by who looks for holes (heap/hollow.h)
    uint8_t             looked;  // who would find nothing; a give wipes it. Read by anybody
    struct hollow_place place;   // where the next unasked look goes on
    // seldom used
    struct user_heap *owner;    // NULL: a bin of an arena
    struct list       slabs;    // of span.owned: all slabs, only in a user's heap; under the lock
} CACHE_ALIGNED;

void bin_init(struct bin *bin, class_id id, struct page_heap *pages, struct user_heap *owner);

// Gives all slabs of a user's heap back, whatever is taken. Nobody else may use the bin or its
// blocks.
void bin_destroy(struct bin *bin);

// `_locked`: the caller holds bin->lock.
// Takes up to `count` slots in the order of a stack (out[n - 1] to be used first). Fewer only when
// there is no memory.
uint32_t bin_take_locked(struct bin *bin, void **out, uint32_t count);
// Gives back those of `count` slots that belong to this bin and moves the others to the front of
// the array: returns how many those are. A slot that is no taken slot of class `bin->id` is fatal,
// with a line that names `function`.
uint32_t bin_give_locked(struct bin *bin, const char *function, void **slots, uint32_t count);
// Merges what came back.
void bin_merge_locked(struct bin *bin);

// What the page map says of an arena's slabs of class `id`. Those of a hardened process are no
// class to the fast paths: all their blocks take the slow one.
ALWAYS_INLINE class_id bin_arena_byte(class_id id) {
    return UNLIKELY(option(OPT_HARDENED) != 0) ? (class_id)CLASS_HEAP_SLAB : id;
}
// The slab of a slot of class `id`; `byte` is what the page map must say. Fatal as bin_give_locked.
struct slab *bin_slab_of(const char *function, class_id id, class_id byte, void *pointer);
// The bin of an arena that a slot of class `id` belongs to. Fatal as bin_give_locked.
struct bin *bin_of(const char *function, class_id id, void *slot);
// Asks for the records of these slots, so that they are on their way when they are needed; no use
// for small ones, many of which lie in one slab. Looks at records only, whatever the pointers are.
void bin_prefetch(void *const *slots, uint32_t count);
// Returns `count` slots of one class, of any bins, without their locks. May sort the array. Fatal
// as bin_give_locked.
void bin_return(const char *function, class_id id, void **slots, uint32_t count);

// In a forked child, for every slab, before bin_repair_in_child: forgets the other threads' half of
// the protocol (announcements never pushed or cut off, returns never ended, holes half made).
void bin_repair_slab_in_child(struct span *span);
// In a forked child: an empty stack of news, idle slabs given back. The lock is reset before.
void bin_repair_in_child(struct bin *bin);
// Adds the bin's figures.
void bin_count(const struct bin *bin, struct counters *totals);
// For who gives pages inside a slab back (heap/hollow.h): takes a slab with room out of the tree,
// so that nobody takes from it and a free slot stays free, until it is put back with the bytes that
// are holes in it now.
void bin_set_aside_locked(struct bin *bin, struct slab *slab);
void bin_put_back_locked(struct bin *bin, struct slab *slab, size_t hole_bytes);
// Bytes of free slots that were used once, less holes: a figure of a moment.
uint64_t bin_slack(const struct bin *bin);
// Traps unless theory 1 and the figures hold. Takes the lock.
void bin_check(struct bin *bin);
