// local/thread.h - the root of a thread: which cache it uses, its birth and its death.
//
// Thread-local storage is this one struct, initial-exec. A thread is born at its first slow path;
// until then, while it is being born, after its exit hook and where caches are off, it uses the
// shared empty cache, so every call takes the slow path, and the slow path goes straight to the
// arenas. Nothing brings a cache back after the exit hook.
#pragma once
#include "local/caches.h"

enum thread_phase {
    THREAD_NEW,       // no slow path yet
    THREAD_STARTING,  // inside start-up or birth: calls that come back go to the arenas
    THREAD_LIVE,      // has a cache
    THREAD_BARE,      // never has one (caches are off) or has no more (its exit hook ran)
};

struct thread_root {
    struct cache     *cache;  // never NULL; CACHE_NONE unless THREAD_LIVE
    enum thread_phase phase;
};

extern __thread struct thread_root thread_root __attribute__((tls_model("initial-exec")));

// The calling thread's cache, made if it is time; NULL: go straight to the arenas. The library is
// started.
struct cache *thread_cache(void);
// From here to thread_start_end, which gets what this returned, the calling thread counts as
// THREAD_STARTING.
enum thread_phase thread_start_begin(void);
void              thread_start_end(enum thread_phase before);
// Registers the exit hook; outside all locks; only then threads get caches. False: no key left: no
// caches.
bool thread_hooks(void);
void thread_fork_child(void);
