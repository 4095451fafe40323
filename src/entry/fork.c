// entry/fork.c - see fork.h. One line a floor; the order is the order of os/lock.h's ranks.
#include "entry/fork.h"

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

// A crash handler may fork where its own thread holds some of the locks. Then none is taken, and
// the child, which is in that handler too, gets its blocks as the handler does.

void fork_prepare(void) {
    if (UNLIKELY(thread_is_reentered()))
        return;
    keeper_fork_prepare();
    thread_fork_prepare();
    quarantine_fork_prepare();
    user_heap_fork_prepare();
    arena_fork_prepare();
    huge_fork_prepare();
    guarded_fork_prepare();
    page_map_fork_prepare();
    meta_fork_prepare();
    lock_fork_begin();
}

void fork_parent(void) {
    if (UNLIKELY(thread_is_reentered()))
        return;
    lock_fork_end();
    meta_fork_parent();
    page_map_fork_parent();
    guarded_fork_parent();
    huge_fork_parent();
    arena_fork_parent();
    user_heap_fork_parent();
    quarantine_fork_parent();
    thread_fork_parent();
    keeper_fork_parent();
}

void fork_child(void) {
    if (UNLIKELY(thread_is_reentered()))
        return;
    lock_fork_end();
    meta_fork_child();
    page_map_fork_child();
    guarded_fork_child();
    huge_fork_child();
    arena_fork_child();
    user_heap_fork_child();
    quarantine_fork_child();
    thread_fork_child();
    keeper_fork_child();
}
