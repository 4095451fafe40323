// entry/fork.h - the three handlers of pthread_atfork: every lock, in the one order.
//
// Handlers of others that run between ours may allocate: the forking thread holds every lock, and
// its own acquisitions do nothing then.
// prepare takes all locks from the top floor down, so that no other thread is in the middle of
// anything; the parent releases them; the child, where only the forking thread lives, makes them
// new. Holders of our locks make system calls only, so prepare waits for nobody who could wait for
// libc. Caches of threads that do not exist in the child are drained there one by one, at its slow
// paths.
#pragma once

void fork_prepare(void);
void fork_parent(void);
void fork_child(void);
