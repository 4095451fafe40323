// local/parked.c - see parked.h. A thread is looked at under the lock of the roots: while it is
// held, root and stack of the thread stay, and it can have no new cache. Its old one is drained
// without the lock.
#include "local/parked.h"

#include "local/thread.h"
#include "os/os.h"

// Threads deeper in their stacks than that are let be.
enum { STACK_MOST = 256 << 10, CHUNK_WORDS = 256 };

// The end of the thread's own stack, where that is what the pointer points into; else 0. Libc lays
// thread-local storage at the end of the stacks it makes; the stack of the process ends elsewhere.
static uintptr_t stack_end(const struct cache_seat *seat, uintptr_t pointer) {
    uintptr_t end = (uintptr_t)seat->root;
    if (pointer >= end || end - pointer > STACK_MOST) {
        end = os_first_stack_end();
        if (pointer >= end || end - pointer > STACK_MOST ||
            !os_is_first_thread(PEEK(&seat->number)))
            return 0;
    }
    return align_down(end, sizeof(uint64_t));
}

// Each frame the kernel makes for a handler says what the thread's signal stack is: start, flags
// (an int: 0, SS_ONSTACK, SS_AUTODISARM), size. If the pointer is in there, others of its frames
// may lie anywhere.
static bool names_signal_stack(const uint64_t *words, uint64_t pointer) {
    return words[0] <= pointer && pointer - words[0] < words[2] && words[2] <= GIB(1) &&
           ((uint32_t)words[1] & 0x7ffffffe) == 0;
}

// The last two words of a chunk are read again with the next one.
static bool is_suspicious(const uint64_t *words, size_t count, uint64_t pointer,
                          struct parked_code code) {
    for (size_t i = 0; i < count; i++) {
        if (words[i] >= code.begin && words[i] < code.end)
            return true;
        if (i + 2 < count && names_signal_stack(words + i, pointer))
            return true;
    }
    return false;
}

// True: all of it was read, and shows no fast path under way.
static bool stack_is_clear(uintptr_t pointer, uintptr_t end, struct parked_code code) {
    static uint64_t words[CHUNK_WORDS];  // under the lock of the roots: stacks may be tiny
    uintptr_t       at = align_up(pointer, sizeof *words);
    while (at < end) {
        size_t count = min_size((end - at) / sizeof *words, CHUNK_WORDS);
        if (!os_copy(words, (const void *)at, count * sizeof *words) ||
            is_suspicious(words, count, pointer, code))
            return false;
        if (at + count * sizeof *words == end)
            break;
        at += (count - 2) * sizeof *words;
    }
    return true;
}

static bool sleeps_at(const struct cache_seat *seat, uintptr_t pointer) {
    uintptr_t now;
    return os_thread_is_asleep(PEEK(&seat->number), &now) && now == pointer;
}

// Steps 2 to 5. The order of the last two: see parked.h for why the second proof comes after the
// reading; `inside` is 0 only when the last slow path that knew the cache is over. One that began
// before the pointers were put away may have woken the cache after.
static bool may_be_taken(const struct cache_seat *seat, uintptr_t pointer, uintptr_t end,
                         struct parked_code code) {
    return sleeps_at(seat, pointer) && stack_is_clear(pointer, end, code) &&
           sleeps_at(seat, pointer) &&
           // Acquire: pairs with the release in thread_leave.
           __atomic_load_n(&seat->root->inside, __ATOMIC_ACQUIRE) == 0 &&
           PEEK(&seat->root->pops) == CACHE_NONE;
}

// With the sanitizer only: it knows nothing of the kernel's order, but pairs these with STEP_DONE.
static void see_fast_paths(struct cache *cache) {
    for (unsigned id = 0; id < CLASS_COUNT; id++)
        (void)__atomic_load_n(&cache->top[id], __ATOMIC_ACQUIRE);
}

// A thread that does not sleep is not disturbed: it is asked before its pointer is touched. That
// also proves that there is a thread whose root this is (it did not end without its exit hook).
static bool take_locked(struct cache_seat *seat, struct parked_code code) {
    uintptr_t           pointer, end;
    struct thread_root *root = seat->root;
    if (!os_thread_is_asleep(PEEK(&seat->number), &pointer) ||
        (end = stack_end(seat, pointer)) == 0)
        return false;
    POKE(&root->cache, CACHE_NONE);
    POKE(&root->pops, CACHE_NONE);
    if (!may_be_taken(seat, pointer, end, code)) {
        POKE(&root->cache, seat->cache);  // at rest, until its next malloc
        return false;
    }
    POKE(&root->taken, true);
    caches_disown(seat);
    see_fast_paths(seat->cache);
    return true;
}

static bool take(struct cache_seat *seat, struct parked_code code) {
    thread_hold_roots();
    // Acquire: pairs with the release in caches_own.
    const struct thread_root *root = __atomic_load_n(&seat->root, __ATOMIC_ACQUIRE);
    bool                      taken = root && root != &thread_root && take_locked(seat, code);
    thread_release_roots();
    if (taken)
        caches_delete(seat->cache);
    return taken;
}

// The thread may end, or the seat become another's, meanwhile: whether it may be taken from is
// asked later and proved, this is about whether that is worth it.
static bool ran_since(struct cache_seat *seat, bool *ran) {
    uint64_t now;
    if (!os_thread_ran(PEEK(&seat->number), &now))
        return true;
    bool same = now == PEEK(&seat->ran_ns);
    POKE(&seat->ran_ns, now);
    *ran |= !same;
    return !same;
}

static unsigned take_all(struct parked_code code, bool idle_only, bool *ran) {
    unsigned taken = 0;
    uint32_t left = caches_owned();
    for (struct cache_seat *seat = caches_first(); seat && left > 0; seat = seat->next) {
        const struct thread_root *root = PEEK(&seat->root);
        if (!root)
            continue;
        left--;
        if (root != &thread_root && !(idle_only && ran_since(seat, ran)))
            taken += take(seat, code);
    }
    return taken;
}

unsigned parked_take(struct parked_code fast_paths) {
    return take_all(fast_paths, false, NULL);
}

unsigned parked_take_idle(struct parked_code fast_paths, bool *ran) {
    *ran = false;
    return take_all(fast_paths, true, ran);
}
