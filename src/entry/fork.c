// entry/fork.c - see fork.h. One line a floor; the order is the order of os/lock.h's ranks.
#include "entry/fork.h"

#include "conf/options.h"
#include "entry/keeper.h"
#include "heap/arena.h"
#include "heap/guarded.h"
#include "heap/huge.h"
#include "heap/quarantine.h"
#include "heap/user_heap.h"
#include "local/thread.h"
#include "os/lock.h"
#include "page/meta.h"
#include "page/page_map.h"

// A crash handler may fork where its own thread holds some of the locks, or all of them, amid
// another fork. Then none is taken, and the child, which is in that handler too, gets its blocks as
// the handler does. Forks within a fork, written by who holds all locks:
static uint32_t nested;

static bool is_nested(void) {
    return thread_is_reentered() || lock_fork_holds();
}

void fork_prepare(void) {
    if (UNLIKELY(is_nested())) {
        nested += lock_fork_holds();
        return;
    }
    keeper_fork_prepare();
    thread_fork_prepare();
    quarantine_fork_prepare();
    user_heap_fork_prepare();
    arena_fork_prepare();
    huge_fork_prepare();
    guarded_fork_prepare();
    page_map_fork_prepare();
    meta_fork_prepare();
    options_fork_prepare();
    lock_fork_begin();
}

// True: of a nested fork, which took nothing.
static bool end_nested(void) {
    if (LIKELY(!thread_is_reentered() && nested == 0))
        return false;
    nested -= nested > 0;
    return true;
}

void fork_parent(void) {
    if (UNLIKELY(end_nested()))
        return;
    lock_fork_end();
    options_fork_parent();
    meta_fork_parent();
    page_map_fork_parent();
    guarded_fork_parent();
    huge_fork_parent();
    arena_fork_parent();
    user_heap_fork_parent();
    quarantine_fork_parent();
    thread_fork_parent();
    keeper_fork_parent();
    lock_fork_over();
}

void fork_child(void) {
    if (UNLIKELY(end_nested()))
        return;
    lock_fork_end();
    options_fork_child();
    meta_fork_child();
    page_map_fork_child();
    guarded_fork_child();
    huge_fork_child();
    arena_fork_child();
    user_heap_fork_child();
    quarantine_fork_child();
    thread_fork_child();
    keeper_fork_child();
    lock_fork_over();
}
