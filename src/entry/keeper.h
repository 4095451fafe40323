// entry/keeper.h - the maintenance thread (TIDE_BACKGROUND): decay where nobody calls, and a hand
// for the kernel when memory is short.
//
// Off unless asked for. Then it starts from a call of malloc, never of free: libc frees under locks
// that a thread's birth wants. It starts when the heap first holds, or could give back, enough to
// be worth a thread: so a small program stays without one. In a forked child it is not there, and
// starts anew once the child's heap has grown by as much again.
// Where none could be made it is tried again later, ever more seldom.
// It ticks until nothing has gone for a while. Now and then it takes the caches of threads that did
// not run since the last time (parked.h). Then it sleeps without an end; but while something is
// left that could not go, or threads with caches run, it comes again, ever more seldom: each ten
// seconds at last. While there is a surplus it listens for memory pressure: what was given back is
// not there to be taken.
#pragma once
#include "local/parked.h"

enum { KEEPER_OFF, KEEPER_ARMED, KEEPER_STARTED };
extern uint32_t keeper_state;  // written by keeper.c

// From now on it may start: our constructor ran.
void keeper_arm(void);
// For slow paths of malloc, without locks; keeps nothing of errno.
COLD void keeper_consider(struct parked_code fast_paths);
ALWAYS_INLINE void keeper_poll(struct parked_code fast_paths) {
    if (UNLIKELY(PEEK(&keeper_state) == KEEPER_ARMED))
        keeper_consider(fast_paths);
}

// What the thread does, for ever; a part for tests: one sleep and one round.
void keeper_step(void);

// While a thread forks it starts none.
void keeper_fork_prepare(void);
void keeper_fork_parent(void);
void keeper_fork_child(void);
