// os/lock.c - the futex lock of lock.h and, in the debug build, the check of its order.
//
// Theory  1. state 0 -> 1 by who gets a free lock; 0 or 1 -> 2 by who is about to sleep; -> 0 by
//            the holder. Who slept takes the lock as 2, because others may still sleep.
//         2. the holder wakes one sleeper when it found 2: a sleeper set 2 before it slept, and the
//            kernel compares again before it lets it sleep, so no wakeup is lost.
//         3. acquire (of 0 -> 1, or the exchange to 2) pairs with release (-> 0): whatever a holder
//            wrote is seen by the next one. No other order is needed, because nothing is published
//            through the state but the section itself.
//            A brief lock is never 2: its waiters sleep for a while, on a word that may not change.
//         4. the depth grows before the lock can be taken, and falls when it is free again: a
//            handler that finds 0 came when its thread had none. Plain: thread and handler are one,
//            and the compiler's fences keep the order.
#include "os/lock.h"

#include "os/fail.h"
#include "os/os.h"

enum { UNLOCKED, LOCKED, CONTENDED };
enum { BRIEF_NS = 50000 };  // between two looks for a brief lock

// Written once at start; a stale 0 costs a sleep.
static unsigned spin_count;

// --- fork ---------------------------------------------------------------------------------------

// The thread that holds every lock, or 0. Relaxed: only that thread itself finds its own number.
static uintptr_t fork_owner;

__thread uint32_t lock_depth;

ALWAYS_INLINE bool holds_all(void) {
    return UNLIKELY(PEEK(&fork_owner) != 0) && fork_owner == os_thread_id();
}

void lock_fork_begin(void) {
    POKE(&fork_owner, os_thread_id());
}

void lock_fork_end(void) {
    POKE(&fork_owner, 0);
}

bool lock_fork_holds(void) {
    return holds_all();
}

void lock_fork_over(void) {
    lock_depth = 0;
}

// --- the order of locks (debug build) ----------------------------------------------------------

// What this thread holds: locks by rank, and the number it signs them with. Unused, and therefore
// not there, in a release.
static __thread uint32_t held_count[RANK_COUNT];
static __thread uint16_t my_number;

static const char *const rank_name[RANK_COUNT] = {
    [RANK_OPTIONS] = "options",
    [RANK_META] = "meta",               [RANK_PAGE_MAP] = "page map",
    [RANK_GUARDED] = "guarded",         [RANK_HUGE] = "huge",
    [RANK_PAGE_HEAP] = "page heap",     [RANK_BIN] = "bin",
    [RANK_USER_HEAP] = "user heap",     [RANK_USER_BIN] = "user bin",
    [RANK_USER_HEAPS] = "user heaps",   [RANK_ARENAS] = "arenas",
    [RANK_QUARANTINE] = "quarantine",   [RANK_CACHES] = "caches",
    [RANK_ROOTS] = "roots",             [RANK_START] = "start",
};

// 1 .. 65535, and round again: after that many threads an owner may be taken for another, and a
// wrong release or assertion pass unseen. Relaxed: only the number itself matters.
static uint16_t thread_number(void) {
    static uint16_t last;
    while (my_number == 0)
        my_number = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
    return my_number;
}

// The lowest rank held, or RANK_COUNT.
static unsigned lowest_held(void) {
    unsigned rank = 0;
    while (rank < RANK_COUNT && held_count[rank] == 0)
        rank++;
    return rank;
}

NORETURN COLD static void fail_order(const char *what, unsigned rank, unsigned held) {
    struct text_line line;
    fail_begin(&line);
    text_add(&line, "internal error: lock \"");
    text_add(&line, rank_name[rank]);
    text_add(&line, what);
    if (held < RANK_COUNT) {
        text_add(&line, " while \"");
        text_add(&line, rank_name[held]);
        text_add(&line, "\" is held");
    }
    fail_line(&line);
}

// Before an acquisition: `rank` must be below everything held, or not above it for a peer.
static void check_order(const struct lock *lock, bool as_peer) {
    unsigned held = lowest_held();
    if (lock->rank > held || (lock->rank == held && !as_peer))
        fail_order("\" taken", lock->rank, held);
}

static void note_acquired(struct lock *lock) {
    POKE(&lock->owner, thread_number());
    held_count[lock->rank]++;
}

static void note_released(struct lock *lock) {
    if (!lock_is_held(lock))
        fail_order("\" released by a thread that does not hold it", lock->rank, RANK_COUNT);
    POKE(&lock->owner, 0);
    held_count[lock->rank]--;
}

bool lock_is_held(const struct lock *lock) {
    return !config_debug || PEEK(&lock->owner) == thread_number();
}

void lock_assert_none_held(void) {
    if (config_debug && !holds_all() && lowest_held() < RANK_COUNT)
        fail_order("\" held around a system call", lowest_held(), RANK_COUNT);
}

// --- the lock ----------------------------------------------------------------------------------

ALWAYS_INLINE void enter(void) {
    lock_depth++;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

ALWAYS_INLINE void leave(void) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    lock_depth--;
}

void lock_set_spin(unsigned spins) {
    POKE(&spin_count, spins);
}

void lock_init(struct lock *lock, enum lock_rank rank) {
    *lock = (struct lock)LOCK_INIT((uint8_t)rank);
}

ALWAYS_INLINE bool take_if_free(struct lock *lock) {
    uint32_t expected = UNLOCKED;
    // Acquire: pairs with the release in lock_release. Relaxed on failure: nothing was entered.
    return __atomic_compare_exchange_n(&lock->state, &expected, LOCKED, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

// Relaxed: a look that spares the others the exchange; the taking itself has the order.
ALWAYS_INLINE bool take_at_a_look(struct lock *lock) {
    return PEEK(&lock->state) == UNLOCKED && take_if_free(lock);
}

static bool spin_for(struct lock *lock) {
    for (unsigned left = PEEK(&spin_count); left > 0; left--) {
        if (take_at_a_look(lock))
            return true;
        os_pause();
    }
    return false;
}

NOINLINE static void take_slowly(struct lock *lock) {
    if (spin_for(lock))
        return;
    // Acquire: pairs with the release in lock_release, when the exchange found UNLOCKED.
    while (__atomic_exchange_n(&lock->state, CONTENDED, __ATOMIC_ACQUIRE) != UNLOCKED)
        os_wait(&lock->state, CONTENDED);
}

ALWAYS_INLINE void acquire(struct lock *lock, bool as_peer) {
    if (holds_all())
        return;
    if (config_debug)
        check_order(lock, as_peer);
    enter();
    if (UNLIKELY(!take_if_free(lock)))
        take_slowly(lock);
    if (config_debug)
        note_acquired(lock);
}

void lock_acquire(struct lock *lock) {
    acquire(lock, false);
}

void lock_acquire_peer(struct lock *lock) {
    acquire(lock, true);
}

ALWAYS_INLINE bool try(struct lock *lock, bool spins) {
    if (holds_all())
        return true;
    if (config_debug)
        check_order(lock, true);
    enter();
    if (!take_at_a_look(lock) && !(spins && spin_for(lock))) {
        leave();
        return false;
    }
    if (config_debug)
        note_acquired(lock);
    return true;
}

bool lock_try(struct lock *lock) {
    return try(lock, false);
}

bool lock_try_spinning(struct lock *lock) {
    return try(lock, true);
}

void lock_release(struct lock *lock) {
    if (holds_all())
        return;
    if (config_debug)
        note_released(lock);
    // Release: pairs with the acquires of take_if_free and take_slowly.
    if (UNLIKELY(__atomic_exchange_n(&lock->state, UNLOCKED, __ATOMIC_RELEASE) == CONTENDED))
        os_wake(&lock->state);
    leave();
}

void lock_acquire_brief(struct lock *lock) {
    if (holds_all())
        return;
    if (config_debug)
        check_order(lock, true);
    enter();
    while (!take_at_a_look(lock) && !spin_for(lock))
        os_wait_for(&lock->state, LOCKED, BRIEF_NS);
    if (config_debug)
        note_acquired(lock);
}

void lock_release_brief(struct lock *lock) {
    if (holds_all())
        return;
    if (config_debug)
        note_released(lock);
    // Release: pairs with the acquires of take_if_free.
    __atomic_store_n(&lock->state, UNLOCKED, __ATOMIC_RELEASE);
    leave();
}

void lock_reset_in_child(struct lock *lock) {
    if (config_debug && lock_is_held(lock))
        note_released(lock);
    POKE(&lock->owner, 0);
    // Release: pairs with the acquires; the child has one thread and nothing to be seen yet.
    __atomic_store_n(&lock->state, UNLOCKED, __ATOMIC_RELEASE);
}
