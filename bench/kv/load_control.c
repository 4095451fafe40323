// bench/kv/load_control.c - one-off commands to the server: FLUSH before the load, STATS after it.
#include "load_control.h"

#include "kv_net.h"
#include "kv_protocol.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    WAIT_MS = 20000,
    BODY_MAX = 1024,
};

static bool receive(int fd, unsigned char *to, size_t bytes) {
    while (bytes > 0) {
        struct pollfd watch = {.fd = fd, .events = POLLIN};
        if (poll(&watch, 1, WAIT_MS) == 0)
            return false;
        ssize_t got = recv(fd, to, bytes, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got <= 0)
            return false;
        to += got;
        bytes -= (size_t)got;
    }
    return true;
}

// body has room for BODY_MAX + 1 bytes and is ended with a zero.
static bool exchange(int fd, enum kv_op op, char *body) {
    unsigned char text[KV_REQUEST_BYTES];
    struct kv_request_header request = {.op = (uint8_t)op};
    struct kv_reply_header reply;
    kv_put_request(text, &request);
    if (send(fd, text, sizeof text, MSG_NOSIGNAL) != sizeof text ||
        !receive(fd, text, KV_REPLY_BYTES))
        return false;
    if (!kv_get_reply(text, &reply) || reply.status != KV_OK || reply.body_bytes > BODY_MAX)
        return false;
    body[reply.body_bytes] = '\0';
    return receive(fd, (unsigned char *)body, reply.body_bytes);
}

static bool control(const char *address, enum kv_op op, char *body) {
    int fd = kv_connect(address);
    bool good = fd >= 0 && exchange(fd, op, body);
    if (!good)
        fprintf(stderr, "kv_load: no good answer from %s: %s\n", address, strerror(errno));
    if (fd >= 0)
        close(fd);
    return good;
}

bool control_flush(const char *address) {
    char body[BODY_MAX + 1];
    return control(address, KV_FLUSH, body);
}

bool control_stats(const char *address, struct control_stats *stats) {
    char body[BODY_MAX + 1];
    if (!control(address, KV_STATS, body))
        return false;
    return sscanf(body, "keys %" SCNu64 " bytes %" SCNu64 " evicted %" SCNu64 " expired %" SCNu64,
                  &stats->keys, &stats->bytes, &stats->evicted, &stats->expired) == 4;
}
