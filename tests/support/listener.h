// support/listener.h - one process sees the library's system calls in another, and may answer them.
//
// Seen are: calls of a list, every brk, every naming of a mapping, and every handler of SIGSEGV and
// SIGBUS. Of the list those that are made inside syscall(2), which is how the library makes its
// own: the filter knows where that function is in a program that is static and stands at a fixed
// address, as the test itself does then; else it tells of all calls, and who listens looks where
// they were made.
#pragma once
#include <linux/seccomp.h>
#include <stdbool.h>

enum { LISTENER_PASS = -1, LISTENER_SYSCALL_BYTES = 64 };  // no less than syscall(2) has

// In the process to be seen, before its exec: from now on each such call waits for an answer. The
// listener goes to the other end of `channel`, a socket; a byte without one where it cannot be had.
void listener_start(int channel, const unsigned *numbers, unsigned calls, bool is_static);
// In the other process: the listener, or -1.
int listener_receive(int channel);
// Answers until nobody is left who could ask, or nothing was asked for so many seconds: the error
// that `decide` says, or LISTENER_PASS.
void listener_serve(int listener, unsigned seconds,
                    int (*decide)(void *context, const struct seccomp_notif *told), void *context);
