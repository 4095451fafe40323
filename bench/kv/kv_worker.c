// bench/kv/kv_worker.c - a thread of the server with its epoll loop and its connections.
#include "kv_worker.h"

#include "kv_clock.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    EVENTS_AT_ONCE = 64,
    SWEEP_MS = 100,  // between two sweeps
};

static void worker_forget(struct worker *worker, struct conn *conn) {
    pthread_mutex_lock(&worker->lock);
    *(conn->previous ? &conn->previous->next : &worker->conns) = conn->next;
    if (conn->next)
        conn->next->previous = conn->previous;
    pthread_mutex_unlock(&worker->lock);
    conn_free(conn);
}

void worker_adopt(struct worker *worker, int fd) {
    struct conn *conn = conn_new(fd);
    if (!conn) {
        close(fd);
        return;
    }
    struct epoll_event event = {.events = conn->events, .data.ptr = conn};
    pthread_mutex_lock(&worker->lock);
    conn->next = worker->conns;
    if (conn->next)
        conn->next->previous = conn;
    worker->conns = conn;
    pthread_mutex_unlock(&worker->lock);
    // From here on the worker may serve and free it, unless epoll refuses it.
    if (epoll_ctl(worker->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        worker_forget(worker, conn);
}

static void worker_serve(struct worker *worker, struct conn *conn, uint32_t events) {
    if (!conn_serve(conn, events, worker->store)) {
        worker_forget(worker, conn);
        return;
    }
    uint32_t wants = conn_wants(conn);
    if (wants == conn->events)
        return;
    struct epoll_event event = {.events = wants, .data.ptr = conn};
    conn->events = wants;
    if (epoll_ctl(worker->epoll, EPOLL_CTL_MOD, conn->fd, &event) != 0)
        worker_forget(worker, conn);
}

static void *worker_run(void *argument) {
    struct worker *worker = argument;
    struct epoll_event events[EVENTS_AT_ONCE];
    uint64_t sweep_at = kv_now_ms() + SWEEP_MS;
    for (;;) {
        int count = epoll_wait(worker->epoll, events, EVENTS_AT_ONCE,
                               worker->sweeps ? SWEEP_MS : -1);
        for (int i = 0; i < count; i++) {
            if (!events[i].data.ptr)
                return NULL;
            worker_serve(worker, events[i].data.ptr, events[i].events);
        }
        if (worker->sweeps && kv_now_ms() >= sweep_at) {
            store_sweep(worker->store);
            sweep_at = kv_now_ms() + SWEEP_MS;
        }
    }
}

static void worker_close(struct worker *worker) {
    close(worker->epoll);
    close(worker->stop);
    pthread_mutex_destroy(&worker->lock);
}

int worker_start(struct worker *worker, struct store *store, bool sweeps) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    *worker = (struct worker){.store = store, .sweeps = sweeps};
    pthread_mutex_init(&worker->lock, NULL);
    worker->epoll = epoll_create1(EPOLL_CLOEXEC);
    worker->stop = eventfd(0, EFD_CLOEXEC);
    if (epoll_ctl(worker->epoll, EPOLL_CTL_ADD, worker->stop, &event) != 0) {
        worker_close(worker);
        return -1;
    }
    errno = pthread_create(&worker->thread, NULL, worker_run, worker);
    if (errno != 0) {
        worker_close(worker);
        return -1;
    }
    return 0;
}

void worker_stop(struct worker *worker) {
    (void)eventfd_write(worker->stop, 1);
    pthread_join(worker->thread, NULL);
    while (worker->conns)
        worker_forget(worker, worker->conns);
    worker_close(worker);
}
