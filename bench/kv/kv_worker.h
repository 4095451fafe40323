// bench/kv/kv_worker.h - a thread of the server with its epoll loop and its connections.
#pragma once

#include "kv_conn.h"

struct worker {
    pthread_t       thread;
    struct store   *store;
    int             epoll;
    int             stop;      // an eventfd: readable when the worker has to end
    bool            sweeps;    // this one looks for expired entries, too
    pthread_mutex_t lock;
    struct conn    *conns;     // under lock
};

// 0, or -1 with errno set; a worker that started has to be stopped.
int  worker_start(struct worker *worker, struct store *store, bool sweeps);
// Gives a fresh connection to the worker, from another thread; on failure it is closed.
void worker_adopt(struct worker *worker, int fd);
void worker_stop(struct worker *worker);  // closes its connections, joins the thread
