// entry/init.c - see init.h.
#include "entry/init.h"

#include <errno.h>

#include "conf/options.h"
#include "entry/figures.h"
#include "entry/fork.h"
#include "entry/keeper.h"
#include "entry/report.h"
#include "entry/version.h"
#include "heap/arena.h"
#include "heap/guarded.h"
#include "heap/hardened.h"
#include "heap/hardened_look.h"
#include "local/last_look.h"
#include "local/pulse.h"
#include "local/thread.h"
#include "os/fail.h"
#include "os/lock.h"
#include "os/os.h"

enum { SPINS = 100, STDERR = 2 };

uint32_t           init_state;
static struct lock start_lock = LOCK_INIT(RANK_START);

static unsigned arena_count_wanted(const struct os_limits *limits) {
    uint64_t asked = option(OPT_ARENAS);
    return (unsigned)min_size(asked ? asked : limits->cpus, ARENAS_MAX);
}

// A share is one of what the system allows; where that cannot be read there is no limit.
static uint64_t limit_bytes(enum option_id id) {
    uint64_t value = option(id);
    return value == 0 || value > OPTION_PERCENT_MAX ? value : os_memory_limit() / 100 * value;
}

// Everything without libc's help: no call here can come back to us.
static void start_core(void) {
    struct os_limits limits;
    os_start();
    options_start(os_is_secure() ? NULL : os_environ());
    options_seal();
    os_limits_read(&limits);
    lock_set_spin(limits.cpus > 1 ? SPINS : 0);
    // Not the time: nothing is dirty yet, so decay may begin at its first tick, and a small program
    // never makes the pages of libc's clock resident.
    arena_start(arena_count_wanted(&limits), option(OPT_DECAY) * 1000000, 0);
    hardened_start();
    arena_set_limits(limit_bytes(OPT_SOFT_LIMIT), limit_bytes(OPT_HARD_LIMIT));
    report_set_source(&figures_source);
}

static void say(const char *what) {
    struct text_line line;
    fail_begin(&line);
    text_add(&line, what);
    fail_write(&line);
}

// With libc's help: may come back to us, so the thread counts as starting and no lock is held.
static void start_hooks(void) {
    if (os_fork_hooks(fork_prepare, fork_parent, fork_child) != 0)
        say("fork handlers not registered: a forked child must not allocate");
    if (!thread_hooks())
        say("no thread key left: thread caches are off");
    if (option(OPT_VERBOSE))
        options_list(STDERR, VERSION_TEXT);
}

void init_run(void) {
    // Back from our own start-up: the core serves.
    if (thread_root.phase == THREAD_STARTING)
        return;
    int               saved = errno;
    enum thread_phase before = thread_start_begin();
    lock_acquire(&start_lock);
    bool first = init_state == INIT_NOT;
    if (first) {
        start_core();
        __atomic_store_n(&init_state, INIT_CORE, __ATOMIC_RELEASE);
    }
    lock_release(&start_lock);
    if (first) {
        start_hooks();
        __atomic_store_n(&init_state, INIT_DONE, __ATOMIC_RELEASE);
    }
    thread_start_end(before);
    errno = saved;
}

// Not at the first call, which may come before libc can load the library that walks stacks. Until
// then no block is sampled.
static void start_guard(void) {
    if (!pulse_is_on())
        return;
    if (hardened_is_on()) {
        say("TIDE_GUARD is off: TIDE_HARDENED serves every block its own way");
        return;
    }
    pulse_start(os_now_ns() ^ os_thread_id() ^ (uint64_t)os_thread_number() << 40);
    enum thread_phase before = thread_start_begin();
    if (!guarded_start((unsigned)option(OPT_GUARD_BLOCKS)))
        say("no room for guard pages: TIDE_GUARD is off");
    thread_start_end(before);
}

// What the first call would do, for the sake of order: our fork handlers are registered before
// those of libraries that load later, and so run innermost.
__attribute__((constructor)) static void say_hello(void) {
    init_ensure();
    start_guard();
    keeper_arm();
}

// Nothing is torn down at the end: other threads and later destructors still free. Only the report,
// and what the calling thread's cache tells of misuse.
__attribute__((destructor)) static void say_goodbye(void) {
    uint64_t format = option(OPT_STATS);
    if (init_state == INIT_NOT)
        return;
    if (format != 0)
        report_to_fd(format == 1 ? REPORT_TEXT : REPORT_JSON, STDERR);
    if (thread_is_reentered())  // exit was called by a handler
        return;
    hardened_last_look();
    hardened_look_at_live("exit");
    thread_mark();
    struct cache *cache = PEEK(&thread_root.cache);
    if (cache != CACHE_NONE)
        last_look(cache);
    thread_leave();
}
