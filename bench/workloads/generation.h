// bench/workloads/generation.h - work done by a thread that is born for it and dies after it.
#pragma once
#include <pthread.h>

// Runs work(argument) in a new thread and waits for its end: the caller's thread stands in for a
// server's main loop, and there are as many threads at work as the harness has. Stacks are small,
// so that libc keeps them between generations and their cost stays that of a clone().
void generation_run(void *(*work)(void *), void *argument);
