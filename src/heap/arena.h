// heap/arena.h - bins and a page heap as one unit; which arena serves a call; giving back.
//
// Arena 0, the main arena, owns the data segment and, when brk refuses, mappings; the others own
// mapped regions. There may be as many as processors the process may use. An arena exists from its
// first use on and for ever.
// A process begins with the main arena alone; each time locks are found taken often, one more is
// used. A thread takes the arena of the processor it runs on (a CPU number is only ever used modulo
// the count), and where the lock it wants is taken it tries the next arena before it waits. What is
// given back goes to the arenas it came from.
// Caches (one floor up) are unknown here.
// Locks: RANK_ARENAS around the making of an arena; else those of bins and page heaps. No function
// may be called with a lock held: each may end in a system call that gives memory back.
#pragma once
#include "conf/counters.h"
#include "heap/bin.h"
#include "heap/large.h"
#include "page/purge.h"

enum { ARENAS_MAX = 256 };

struct arena {
    unsigned          index;
    struct page_heap  pages;
    struct source_map map;
    struct bin        bins[SMALL_CLASS_LAST + 1];  // [0] is not used
};

// Once, at start. `count` 1 .. ARENAS_MAX.
void arena_start(unsigned count, uint64_t decay_ns, uint64_t now_ns);
// The soft and the hard limit of page/limit.h, in bytes, 0 = none; after arena_start, before the
// first block.
void arena_set_limits(uint64_t soft, uint64_t hard);
// How many arenas there may be.
unsigned arena_limit(void);
// The arena number `index`, or NULL when it is not in use yet.
struct arena *arena_at(unsigned index);

// Up to `count` slots of a class in the order of a stack; fewer only when there is no memory (0 =
// ENOMEM).
uint32_t arena_take(class_id id, void **out, uint32_t count);
// Gives slots of one class back, of whatever arenas. Uses the array as scratch. A pointer that is
// no taken slot is fatal, with a line that names `function`. arena_settle is left to the caller.
void arena_give(const char *function, class_id id, void **slots, uint32_t count);
// A large block (see heap/large.h), or NULL.
struct span *arena_take_large(size_t bytes, size_t alignment);
// A block of its own, large or huge; `bytes` >= 1. NULL: neither has memory.
struct span *arena_take_whole(size_t bytes, size_t alignment);
void         arena_give_large(struct span *span);
// A page heap for a user's heap made now.
struct page_heap *arena_pages(void);
// The number of the arena that the calling thread begins with.
unsigned arena_here(void);
// The process's one budget.
struct purge *arena_purge(void);
// A tick of the decay went by: half of the contention counted towards one more arena is forgotten.
void arena_relax(void);

// To be called, without locks, after memory became free (but for arena_give_large, which does it):
// keeps the budget, ticks the decay.
void arena_settle(void);
// What settling gives back of free slots in pieces: all of it now. For who keeps nobody waiting.
void arena_drain(void);
// Ticks of the decay so far.
uint32_t arena_step(void);
// True: there is more free memory resident than nothing, or slots came back since the last look at
// free slots was content: it is worth asking the clock, for who would not.
bool arena_waits_for_decay(void);
// The half of it that needs no clock, for who comes often: the budget. Now and then he settles.
void arena_keep_budget(void);
// Resident bytes that are free and that time will give back; and all that the arenas and huge
// blocks hold.
uint64_t arena_surplus(void);
uint64_t arena_held(void);
// The surplus, free slots as they were last counted, and what caches may hold.
uint64_t arena_spare(void);
// Bytes of holes given back so far.
uint64_t arena_holes(void);
// For one thread, which ticks where nobody else does: sleeps until the surplus grows by what is
// worth it, slots came back or somebody calls. False: `ns` went by without (UINT64_MAX: for ever).
bool arena_await_surplus(uint64_t ns);
// Wakes it if it should be; arena_settle and arena_keep_budget do it, too. Or in any case.
void arena_wake_keeper(void);
void arena_call_keeper(void);
// In a forked child: the thread is not there.
void arena_keeper_gone(void);
// Under memory pressure: next to no budgets from now on, and all that is free goes back. Or the end
// of it.
void arena_press(bool pressed);
// Gives back all that is free: merges, holes, dirty spans, regions, the segment's end but for `pad`
// bytes. Returns bytes.
size_t arena_trim(size_t pad);
// What to do before NULL: gives back everything that is free, address space included, when that
// could make room for `bytes`. False: there was nothing; asking again is useless.
bool arena_reclaim(size_t bytes);
// Adds the figures of all arenas.
void arena_count(struct counters *totals);
// Runs the checkers of all arenas. Other threads may be busy.
void arena_check(void);

// Where the table stands, for a reader of this process's memory (entry/inspect.h).
struct arena_sight {
    struct arena *const *list;    // ARENAS_MAX of them; NULL: not in use yet
    const unsigned      *limit;
    const unsigned      *active;
};
extern const struct arena_sight arena_sight;

void arena_fork_prepare(void);
void arena_fork_parent(void);
void arena_fork_child(void);
