// local/thread.c - see thread.h.
#include "local/thread.h"

#include "conf/options.h"
#include "os/os.h"

__thread struct thread_root thread_root = {.cache = CACHE_NONE};

// Set once when the exit hook is registered; release and acquire: a thread that sees it can arm the
// hook.
static bool hooks_ready;

// The argument is not believed: a program can write into a key that is not its own.
static void on_exit(void *argument) {
    struct cache *cache = thread_root.cache;
    (void)argument;
    if (thread_root.phase != THREAD_LIVE)
        return;
    thread_root.phase = THREAD_BARE;
    thread_root.cache = CACHE_NONE;
    caches_delete(cache);
}

bool thread_hooks(void) {
    if (os_thread_exit_hook(on_exit) != 0)
        return false;
    __atomic_store_n(&hooks_ready, true, __ATOMIC_RELEASE);
    return true;
}

static bool caches_are_off(void) {
    return option(OPT_CACHE) == 0 || option(OPT_CACHE_TOTAL) == 0 || option(OPT_PERTURB) != 0;
}

static struct cache *give_birth(void) {
    if (!__atomic_load_n(&hooks_ready, __ATOMIC_ACQUIRE))
        return NULL;
    if (caches_are_off()) {
        thread_root.phase = THREAD_BARE;
        return NULL;
    }
    thread_root.phase = THREAD_STARTING;
    struct cache *cache = caches_new();
    // Arming may allocate: those calls find us STARTING. A thread whose end nobody would tell gets
    // no cache: it is deleted, and the birth tried again at the next slow path.
    if (!cache || os_thread_exit_arm(cache) != 0) {
        if (cache)
            caches_delete(cache);
        thread_root.phase = THREAD_NEW;
        return NULL;
    }
    thread_root.cache = cache;
    thread_root.phase = THREAD_LIVE;
    return cache;
}

struct cache *thread_cache(void) {
    caches_adopt_orphan();
    if (LIKELY(thread_root.phase == THREAD_LIVE))
        return thread_root.cache;
    return thread_root.phase == THREAD_NEW ? give_birth() : NULL;
}

enum thread_phase thread_start_begin(void) {
    enum thread_phase before = thread_root.phase;
    thread_root.phase = THREAD_STARTING;
    return before;
}
void thread_start_end(enum thread_phase before) {
    thread_root.phase = before;
}

void thread_fork_child(void) {
    caches_fork_child(thread_root.phase == THREAD_LIVE ? thread_root.cache : NULL);
}
