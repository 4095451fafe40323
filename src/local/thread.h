// local/thread.h - the root of a thread: which cache it uses, its birth and its death.
//
// Thread-local storage is this one struct, initial-exec. A thread is born at its first slow path;
// until then, while it is being born, after its exit hook and where caches are off, it uses the
// shared empty cache, so every call takes the slow path, and the slow path goes straight to the
// arenas. Nothing brings a cache back after the exit hook.
//
// Light traffic is served by caches for ever and never asks the clock, so a burst before it would
// never decay. So while something waits for the decay, a slow free lays the cache to rest: pops
// find the empty one, pushes the thread's own. The next malloc comes to the slow path, wakes the
// cache, is served by it, and lays it to rest again, BEATS_MAX times a step of the decay at most.
// Of the mallocs on the slow path every THREAD_VISITS-th settles. Frees, however many, pay nothing.
#pragma once
#include "local/caches.h"
#include "os/lock.h"

enum { THREAD_VISITS = 16 };

enum thread_phase {
    THREAD_NEW,       // no slow path yet
    THREAD_STARTING,  // inside start-up or birth: calls that come back go to the arenas
    THREAD_LIVE,      // has a cache, unless it was taken or is being looked at (parked.h)
    THREAD_BARE,      // never has one (caches are off) or has no more (its exit hook ran)
};

struct thread_root {
    struct cache *cache;       // never NULL; CACHE_NONE unless THREAD_LIVE. A taker that holds the
                               // lock of the roots may put CACHE_NONE there, and back
    struct cache *pops;        // the same, but CACHE_NONE at rest, and for ever in a hardened
                               // process (stock.h). A taker may put that there
    enum thread_phase phase;   // the thread's own
    uint32_t          inside;  // > 0 while a slow path of the thread uses its cache. Of 16 bits it
                               // is loaded as 32, which waits for the last store to reach the cache
    bool              taken;   // the cache is gone, another is due: set by takers, cleared by the
                               // thread; relaxed: what follows goes through the lock of the caches
    // the thread's own
    uint32_t beats;   // mallocs that may yet find the cache at rest, until the next step
    uint32_t step;    // page_gauge.step when `beats` was filled up
    uint32_t visits;  // mallocs on the slow path
    uint64_t sample_due_ns;  // for pulse_is_early
};

extern __thread struct thread_root thread_root __attribute__((tls_model("initial-exec")));

// Whoever uses the cache by other means than alloc.h's fast paths does so between these two. Enter
// gives the calling thread's cache, made if it is time; NULL: go straight to the arenas. The
// library is started. They may be nested, as a signal handler does.
ALWAYS_INLINE struct cache *thread_enter(void);
ALWAYS_INLINE void          thread_leave(void);
// Between them, in a slow path of malloc: from here on pops find the cache (as enter gave it).
ALWAYS_INLINE void thread_wake(struct cache *cache) {
    POKE(&thread_root.pops, cache);
}
// After thread_leave, without locks: a malloc maybe settles, maybe rests again; a free rests while
// something waits for the decay.
void thread_beat(void);
void thread_rest(void);
// Of thread_beat what settles: all of it in a hardened process, where pops never find the cache.
// Each THREAD_VISITS-th is a look, which settles if something waits for the decay.
ALWAYS_INLINE void thread_visit(void);
void               thread_look(void);
// While the roots are held no thread with a cache ends (its thread-local storage stays), and no
// other caller takes one. To be held for a short while: a thread that ends waits.
void thread_hold_roots(void);
void thread_release_roots(void);
// From here to thread_start_end, which gets what this returned, the calling thread counts as
// THREAD_STARTING.
enum thread_phase thread_start_begin(void);
void              thread_start_end(enum thread_phase before);
// Registers the exit hook; outside all locks; only then threads get caches. False: no key left: no
// caches.
bool thread_hooks(void);

void thread_fork_prepare(void);
void thread_fork_parent(void);
void thread_fork_child(void);

// True: the caller is a signal handler that came while its own thread had a lock or its cache in
// hand, and must touch neither. While a thread is born libc calls back before it has a cache.
ALWAYS_INLINE bool thread_is_reentered(void) {
    return (UNLIKELY(thread_root.inside != 0) &&
            (thread_root.phase != THREAD_STARTING || PEEK(&thread_root.cache) != CACHE_NONE)) ||
           lock_is_reentered();
}

// The caller, or who it interrupted, holds a lock or uses its cache: where thread_is_reentered
// would have to be asked.
ALWAYS_INLINE bool thread_is_inside(void) {
    return UNLIKELY(thread_root.inside != 0) || UNLIKELY(lock_depth != 0);
}

// A malloc is counted. True: it has to call thread_look.
ALWAYS_INLINE bool thread_visit_is_look(void) {
    return UNLIKELY(++thread_root.visits % THREAD_VISITS == 0);
}
ALWAYS_INLINE void thread_visit(void) {
    if (thread_visit_is_look())
        thread_look();
}

// For thread_enter: a thread without a cache at hand.
COLD struct cache *thread_find_cache(void);

// Enter without the cache.
ALWAYS_INLINE void thread_mark(void) {
    POKE(&thread_root.inside, thread_root.inside + 1);
    // Compiler fence: a taker who found the thread asleep sees its stores in program order, and a
    // pointer that was loaded before `inside` was set would be one of which it knows nothing.
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
ALWAYS_INLINE struct cache *thread_enter(void) {
    caches_adopt_orphan();
    thread_mark();
    struct cache *cache = PEEK(&thread_root.cache);
    return LIKELY(cache != CACHE_NONE) ? cache : thread_find_cache();
}
ALWAYS_INLINE void thread_leave(void) {
    // Release: pairs with the acquire of a taker, who then sees the cache as this slow path left
    // it.
    __atomic_store_n(&thread_root.inside, thread_root.inside - 1, __ATOMIC_RELEASE);
}
