// os/lock.h - a futex lock with a rank.
//
// Unlocked, locked, or locked with sleepers. An uncontended pair is one atomic exchange each way;
// a loser spins briefly (not at all on one processor), then sleeps in the kernel; no timed sleeps.
// Brief locks are of the same kind, but let go by a plain store, which an exchange behind a
// program's cold writes is many times dearer than: nobody is woken, so a loser who cannot turn to
// another such lock looks again after a while. A lock is taken and let go briefly, or never.
//
// Lock order: a thread may take a lock only when its rank is below the rank of every lock it holds.
// The ranks below are the order of floors, lowest first; the debug build checks every acquisition
// and aborts with both names. Two locks of one rank are held together only by fork and by
// functions that say `lock_acquire_peer` (index order).
#pragma once
#include "base/base.h"

enum lock_rank {        // what it protects, from the ground up
    RANK_OPTIONS,       // conf/options: a setting that the running process changes
    RANK_META,          // page/meta: the store of metadata records
    RANK_PAGE_MAP,      // page/page_map: creation of leaves
    RANK_GUARDED,       // heap/guarded: places of the pool that wait
    RANK_HUGE,          // heap/huge: freed mappings; page/purge: the decay, by try only and alone
    RANK_PAGE_HEAP,     // page/page_heap: free spans of one arena and its sources
    RANK_BIN,           // heap/bin: slabs of one class in one arena
    RANK_ARENAS,        // heap/arena: creation of arenas
    RANK_USER_BIN,      // heap/bin: slabs of one class in one user's heap
    RANK_USER_HEAP,     // heap/user_heap: large and huge blocks of one user's heap
    RANK_USER_HEAPS,    // heap/user_heap: the list of them
    RANK_QUARANTINE,    // heap/quarantine: freed slots that wait, one part of them
    RANK_CACHES,        // local/cache: list of caches, budget
    RANK_ROOTS,         // local/thread: which thread has which cache, against takers
    RANK_START,         // entry/init: start of the library
    RANK_COUNT,
};

struct lock {
    uint32_t state;  // 0 unlocked, 1 locked, 2 locked and somebody may sleep
    uint8_t  rank;   // enum lock_rank; constant
    uint16_t owner;  // debug build: number of the holding thread, 0 = nobody; written by the holder
};

// Locks the calling thread holds, takes or releases at the moment. The thread's own; its signal
// handlers read it.
extern __thread uint32_t lock_depth __attribute__((tls_model("initial-exec")));

#define LOCK_INIT(lock_rank) {.state = 0, .rank = (lock_rank)}

// Sets the number of spins before sleep for all locks; 0 on one processor. Called once at start.
void lock_set_spin(unsigned spins);

void lock_init(struct lock *lock, enum lock_rank rank);
void lock_acquire(struct lock *lock);
// True: taken. Never waits, so a lock of a rank already held may be tried; a higher rank may not.
bool lock_try(struct lock *lock);
// As lock_try, but looks as often as lock_acquire does before it sleeps: a holder that runs is
// usually gone by then.
bool lock_try_spinning(struct lock *lock);
void lock_release(struct lock *lock);
// For what is held for some tens of instructions. A brief lock may be tried, too; a second one of a
// rank may be held, as with lock_acquire_peer.
void lock_acquire_brief(struct lock *lock);
void lock_release_brief(struct lock *lock);
// As lock_acquire for a second lock of a rank already held; the caller keeps a fixed order.
void lock_acquire_peer(struct lock *lock);
// Between begin and end the calling thread holds every lock (fork's prepare took them): its own
// acquisitions and releases do nothing, so that handlers of others may allocate.
void lock_fork_begin(void);
void lock_fork_end(void);
bool lock_fork_holds(void);  // the calling thread is between the two
// The last act of fork's handlers, in parent and child: nothing is held any more. Until then what
// comes back is a signal handler's (lock_is_reentered); locks may have come and gone in between.
void lock_fork_over(void);
// In a forked child: forgets holder and sleepers, whatever the state. Only for locks that fork's
// prepare took, so the data behind them is whole.
void lock_reset_in_child(struct lock *lock);
// True: the caller is a signal handler that came while its own thread had a lock in hand. It must
// take none: it might wait for itself. No lock is held over a call to anybody else's code, but by
// fork, between begin and end.
ALWAYS_INLINE bool lock_is_reentered(void) {
    return UNLIKELY(lock_depth != 0) && !lock_fork_holds();
}
// True when this thread holds a lock (debug build; always true otherwise). For assertions.
bool lock_is_held(const struct lock *lock);
// Debug: aborts when this thread holds any lock. Called where a system call or libc code is about
// to run.
void lock_assert_none_held(void);
