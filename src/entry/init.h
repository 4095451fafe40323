// entry/init.h - starts the floors bottom to top, once, at the first call that needs them.
//
// No constructor does what the first call could not: the library works before any of them ran.
// Start-up makes system calls only; the two registrations with libc that may allocate (fork
// handlers, thread exit) come last, outside the lock, and calls that come back from them are served
// from the arenas.
#pragma once
#include "base/base.h"

extern uint32_t init_state;  // written by init.c
enum { INIT_NOT, INIT_CORE, INIT_DONE };

COLD void init_run(void);  // keeps errno

// After this the arenas serve. Any thread, any time, re-entry included.
ALWAYS_INLINE void init_ensure(void) {
    // Acquire: pairs with the releases in init.c; who sees INIT_DONE sees the floors started.
    if (UNLIKELY(__atomic_load_n(&init_state, __ATOMIC_ACQUIRE) != INIT_DONE))
        init_run();
}
