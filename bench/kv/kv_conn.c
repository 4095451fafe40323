// bench/kv/kv_conn.c - one connection of the server: bytes in, requests carried out, replies out.
#include "kv_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    IN_BYTES = 16384,
    READS_AT_ONCE = 8,      // then other connections have their turn
    OUT_ENOUGH = 1 << 20,   // bytes of waiting replies above which no more requests are read
};

enum progress { PROGRESS_MORE, PROGRESS_DONE, PROGRESS_FAILED };

struct conn *conn_new(int fd) {
    struct conn *conn = calloc(1, sizeof *conn);
    if (!conn)
        return NULL;
    conn->fd = fd;
    conn->events = EPOLLIN;
    return conn;
}

void conn_free(struct conn *conn) {
    request_free(conn->request);
    reply_clear(&conn->out);
    free(conn->in);
    close(conn->fd);
    free(conn);
}

static uint32_t conn_missing(const struct conn *conn) {
    return conn->request ? conn->request->header.body_bytes - conn->request->body_have : 0;
}

// Header and key of the next request, once both are there.
static enum progress conn_begin(struct conn *conn) {
    struct kv_request_header header;
    uint32_t have = conn->in_end - conn->in_start;
    const unsigned char *from = conn->in + conn->in_start;
    if (have < KV_REQUEST_BYTES)
        return PROGRESS_DONE;
    if (!kv_get_request(from, &header))
        return PROGRESS_FAILED;
    uint32_t bytes = KV_REQUEST_BYTES + (uint32_t)header.key_bytes;
    if (have < bytes)
        return PROGRESS_DONE;
    conn->request = request_new(&header, from + KV_REQUEST_BYTES);
    conn->in_start += bytes;
    return conn->request ? PROGRESS_MORE : PROGRESS_FAILED;
}

// Moves what has arrived of the body into its value; true when it is complete.
static bool conn_fill(struct conn *conn) {
    uint32_t have = conn->in_end - conn->in_start;
    uint32_t missing = conn_missing(conn);
    uint32_t part = have < missing ? have : missing;
    if (part > 0) {
        struct request *request = conn->request;
        memcpy(request->body->data + request->body_have, conn->in + conn->in_start, part);
        request->body_have += part;
        conn->in_start += part;
    }
    return part == missing;
}

// One request, if it is complete and the replies before it are not too many.
static enum progress conn_step(struct conn *conn, struct store *store) {
    if (conn->out.bytes > OUT_ENOUGH)
        return PROGRESS_DONE;
    if (!conn->request) {
        enum progress progress = conn_begin(conn);
        if (progress != PROGRESS_MORE)
            return progress;
    }
    if (!conn_fill(conn))
        return PROGRESS_DONE;
    bool good = request_execute(conn->request, store, &conn->out);
    request_free(conn->request);
    conn->request = NULL;
    return good ? PROGRESS_MORE : PROGRESS_FAILED;
}

// Carries out all complete requests; sends; and again while sending made room for more.
static bool conn_work(struct conn *conn, struct store *store) {
    bool held_back;
    do {
        enum progress progress;
        do
            progress = conn_step(conn, store);
        while (progress == PROGRESS_MORE);
        if (progress == PROGRESS_FAILED)
            return false;
        held_back = conn->out.bytes > OUT_ENOUGH;
        if (reply_send(&conn->out, conn->fd) != 0)
            return false;
    } while (held_back && conn->out.bytes <= OUT_ENOUGH);
    return true;
}

static bool conn_buffer(struct conn *conn) {
    if (!conn->in)
        conn->in = malloc(IN_BYTES);
    if (!conn->in)
        return false;
    memmove(conn->in, conn->in + conn->in_start, conn->in_end - conn->in_start);
    conn->in_end -= conn->in_start;
    conn->in_start = 0;
    return true;
}

static void conn_buffer_release(struct conn *conn) {
    if (conn->in_start != conn->in_end)
        return;
    free(conn->in);
    conn->in = NULL;
    conn->in_start = 0;
    conn->in_end = 0;
}

// The rest of a body goes straight into its value, what follows it into the buffer.
static ssize_t conn_read(struct conn *conn) {
    struct iovec vector[2];
    uint32_t missing = conn_missing(conn);
    int count = 0;
    ssize_t got;
    if (missing > 0) {
        vector[count].iov_base = conn->request->body->data + conn->request->body_have;
        vector[count++].iov_len = missing;
    }
    vector[count].iov_base = conn->in + conn->in_end;
    vector[count++].iov_len = IN_BYTES - conn->in_end;
    do
        got = readv(conn->fd, vector, count);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got;
    uint32_t body = (size_t)got < missing ? (uint32_t)got : missing;
    if (body > 0)
        conn->request->body_have += body;
    conn->in_end += (uint32_t)got - body;
    return got;
}

static bool conn_receive(struct conn *conn, struct store *store) {
    for (int i = 0; i < READS_AT_ONCE && conn->out.bytes <= OUT_ENOUGH; i++) {
        if (!conn_buffer(conn))
            return false;
        ssize_t got = conn_read(conn);
        if (got < 0 && errno == EAGAIN)
            break;
        if (got <= 0 || !conn_work(conn, store))
            return false;
        if (got < IN_BYTES)
            break;
    }
    return true;
}

bool conn_serve(struct conn *conn, uint32_t events, struct store *store) {
    // Errors and hang-ups too: sending then fails, also while nothing is read.
    if ((events & ~(uint32_t)EPOLLIN) && !conn_work(conn, store))
        return false;
    if ((events & ~(uint32_t)EPOLLOUT) && !conn_receive(conn, store))
        return false;
    conn_buffer_release(conn);
    return true;
}

uint32_t conn_wants(const struct conn *conn) {
    uint32_t events = 0;
    if (conn->out.bytes <= OUT_ENOUGH)
        events |= EPOLLIN;
    if (conn->out.bytes > 0)
        events |= EPOLLOUT;
    return events;
}
