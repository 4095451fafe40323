// local/thread.c - see thread.h.
#include "local/thread.h"

#include "conf/options.h"
#include "local/pulse.h"
#include "os/lock.h"
#include "os/os.h"
#include "page/page_gauge.h"

enum {
    BEATS_MAX = 2048,    // fifty mallocs each 20 ms are 160 a tick,
    BEATS_BORN = 256,    // which a new thread may miss; many live for few thousand calls
};

__thread struct thread_root thread_root = {.cache = CACHE_NONE, .pops = CACHE_NONE};

// Set once when the exit hook is registered; release and acquire: a thread that sees it can arm the
// hook.
static bool hooks_ready;

static struct lock roots_lock = LOCK_INIT(RANK_ROOTS);

void thread_hold_roots(void) {
    lock_acquire(&roots_lock);
}
void thread_release_roots(void) {
    lock_release(&roots_lock);
}

// The argument is not believed: a program can write into a key that is not its own. After the lock
// no taker has anything to do with this thread.
static void on_exit(void *argument) {
    (void)argument;
    if (thread_root.phase != THREAD_LIVE)
        return;
    thread_root.phase = THREAD_BARE;
    thread_hold_roots();
    struct cache *cache = PEEK(&thread_root.cache);
    if (cache != CACHE_NONE)
        caches_disown(cache->seat);
    POKE(&thread_root.cache, CACHE_NONE);
    POKE(&thread_root.pops, CACHE_NONE);
    thread_release_roots();
    if (cache != CACHE_NONE)
        caches_delete(cache);
}

bool thread_hooks(void) {
    if (os_thread_exit_hook(on_exit) != 0)
        return false;
    __atomic_store_n(&hooks_ready, true, __ATOMIC_RELEASE);
    return true;
}

static bool caches_are_off(void) {
    return option(OPT_CACHE) == 0 || option(OPT_CACHE_TOTAL) == 0 ||
           (option(OPT_HARDENED) == 0 && (option(OPT_PERTURB) != 0 || pulse_counts_calls()));
}

static void publish(struct cache *cache) {
    POKE(&thread_root.cache, cache);
    POKE(&thread_root.pops, option(OPT_HARDENED) == 0 ? cache : CACHE_NONE);
    POKE(&thread_root.taken, false);
    thread_root.step = arena_step();
    thread_root.beats = BEATS_BORN;
    page_gauge_newcomer();
    caches_own(cache, &thread_root, os_thread_number());
    thread_root.phase = THREAD_LIVE;
    arena_call_keeper();  // here is a cache that may be idle one day
}

static struct cache *give_birth(bool armed) {
    if (!__atomic_load_n(&hooks_ready, __ATOMIC_ACQUIRE))
        return NULL;
    if (caches_are_off()) {
        thread_root.phase = THREAD_BARE;
        return NULL;
    }
    enum thread_phase before = thread_root.phase;
    thread_root.phase = THREAD_STARTING;
    struct cache *cache = caches_new();
    // Arming may allocate: those calls find us STARTING. A thread whose end nobody would tell gets
    // no cache: it is deleted, and the birth tried again at the next slow path.
    if (!cache || (!armed && os_thread_exit_arm(cache) != 0)) {
        if (cache)
            caches_delete(cache);
        thread_root.phase = before;
        return NULL;
    }
    publish(cache);
    return cache;
}

struct cache *thread_find_cache(void) {
    if (thread_root.phase == THREAD_NEW)
        return give_birth(false);
    // While a taker looks there is nothing to wait for: this once the arenas serve.
    return thread_root.phase == THREAD_LIVE && PEEK(&thread_root.taken) ? give_birth(true) : NULL;
}

// --- rest ----------------------------------------------------------------------------------------

// The first slow path in a step of the decay has new beats.
static bool has_beats(void) {
    uint32_t step = arena_step();
    if (UNLIKELY(step != thread_root.step)) {
        thread_root.step = step;
        thread_root.beats = BEATS_MAX;
    }
    return thread_root.beats > 0;
}

void thread_rest(void) {
    if (has_beats() && arena_waits_for_decay())
        POKE(&thread_root.pops, CACHE_NONE);
}

void thread_look(void) {
    if (arena_waits_for_decay())
        arena_settle();
}

void thread_beat(void) {
    // Without beats it is a batch that was taken: there are few enough of these.
    bool rests = has_beats() && arena_waits_for_decay();
    thread_root.beats -= rests;
    thread_visit();
    if (rests)
        POKE(&thread_root.pops, CACHE_NONE);
}

enum thread_phase thread_start_begin(void) {
    enum thread_phase before = thread_root.phase;
    thread_root.phase = THREAD_STARTING;
    return before;
}
void thread_start_end(enum thread_phase before) {
    thread_root.phase = before;
}

void thread_fork_prepare(void) {
    thread_hold_roots();
    caches_fork_prepare();
}
void thread_fork_parent(void) {
    caches_fork_parent();
    thread_release_roots();
}
// The thread has another number now.
void thread_fork_child(void) {
    struct cache *mine = PEEK(&thread_root.cache);
    if (mine == CACHE_NONE)
        mine = NULL;
    else
        POKE(&mine->seat->number, os_thread_number());
    thread_root.sample_due_ns = 0;  // the child's clock starts anew
    caches_fork_child(mine);
    lock_reset_in_child(&roots_lock);
}
