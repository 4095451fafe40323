// local/parked.h - taking the caches of threads that sleep in the kernel, at no price for those
// that run.
//
// The fast paths read the root's pointer once a call, and know no lock, flag or fence. So a cache
// may be taken only while its thread can have no operation on it under way:
//   1. The taker puts CACHE_NONE into the thread's root, into both pointers. Calls that begin after
//      the thread saw that go to the arenas; none waits.
//   2. The kernel says that the thread sleeps in a system call. Fast paths make none.
//   3. It sleeps not in a slow path: root.inside is 0. And none that began before 1 has laid the
//      cache open again since: pops still find none.
//   4. A signal handler may have interrupted a fast path and sleeps itself. Then the place where
//      the fast path goes on was saved on the stack by the kernel: the taker reads the stack from
//      the stack pointer up, and a word that points into the code of the fast paths is a reason to
//      let the thread be. It has to be the thread's own stack, whose end is known, read whole; a
//      thread on another one (signal stack, coroutine) is let be as well.
//   5. The kernel says a second time that the thread sleeps, at the same stack pointer: so what was
//      read is what lay there while it slept, and all that the thread wrote is seen.
// Otherwise the pointer goes back. A thread may wake at any time, also in the middle: from 1 on it
// finds no cache. One whose cache was taken gets another at its next slow path.
// Not defended: a handler that leaves a fast path for another stack by swapcontext and sleeps
// there, and a debugger that makes a thread call functions. Neither is allowed to a program.
#pragma once
#include "base/base.h"

// The machine code that holds all fast paths: begin, end.
struct parked_code {
    uintptr_t begin, end;
};

// Takes and drains the caches of all threads but the caller that are found asleep; returns how
// many. What they held is in the bins. No lock may be held.
unsigned parked_take(struct parked_code fast_paths);
// The same for those threads only that did not run since the last call of this; `*ran`: others that
// have a cache did. For one thread that comes by now and then.
unsigned parked_take_idle(struct parked_code fast_paths, bool *ran);
