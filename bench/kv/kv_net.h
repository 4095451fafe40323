// bench/kv/kv_net.h - sockets of this machine only: a Unix socket or loopback TCP.
//
// An address is "unix:PATH" or "tcp:PORT" (127.0.0.1). Sockets are non-blocking and closed on
// exec. Errors: -1 with errno set; EINVAL for an address that is neither.
#pragma once

int kv_listen(const char *address);   // a listening socket; an old Unix socket file is replaced
int kv_accept(int listener);          // a connection; -1 with EAGAIN: none waits
int kv_connect(const char *address);  // a connection, established
void kv_unlisten(const char *address, int listener);  // closes it, removes the socket file
