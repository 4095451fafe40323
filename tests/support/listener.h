// support/listener.h - one process sees the library's system calls in another, and may answer them.
//
// For programs that are static and stand at a fixed address, as the test itself is. The calls seen
// are those of a list that are made inside syscall(2), which is how the library makes its own; and
// every brk and every naming of a mapping. The descriptor speaks SECCOMP_IOCTL_NOTIF_...
#pragma once

// In the process to be seen, before its exec: from now on each such call waits for an answer. The
// listener goes to the other end of `channel`, a socket; a byte without one where it cannot be had.
void listener_start(int channel, const unsigned *numbers, unsigned calls);
// In the other process: the listener, or -1.
int listener_receive(int channel);
