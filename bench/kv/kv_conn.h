// bench/kv/kv_conn.h - one connection of the server: bytes in, requests carried out, replies out.
//
// Made by the thread that accepts, used and freed by the worker it was given to. A connection with
// nothing under way holds no buffer.
#pragma once

#include "kv_request.h"

#include <sys/epoll.h>

struct conn {
    struct conn       *next;     // list of the worker, under its lock
    struct conn       *previous;
    int                fd;
    uint32_t           events;   // what epoll was last asked to wait for
    struct request    *request;  // its body has not arrived in full; or NULL
    unsigned char     *in;       // bytes not looked at yet, from in_start to in_end; or NULL
    uint32_t           in_start;
    uint32_t           in_end;
    struct reply_queue out;
};

struct conn *conn_new(int fd);            // takes fd; NULL: no memory, fd still open
void         conn_free(struct conn *conn);  // closes fd
// Does what events (EPOLLIN, EPOLLOUT, ...) allow. false: the connection has to end.
bool         conn_serve(struct conn *conn, uint32_t events, struct store *store);
uint32_t     conn_wants(const struct conn *conn);  // the events to wait for next
