// bench/kv/load_client.c - one connection of the load generator.
#include "load_client.h"

#include "kv_clock.h"
#include "kv_net.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BUFFER_BYTES = 65536,
    REPLY_MAX = MGET_KEYS * (4 + KV_VALUE_MAX),  // body of the longest reply
    COMPLAINTS_MAX = 10,
};

static _Atomic uint32_t complaints;

static bool complain(void) {
    return atomic_fetch_add(&complaints, 1) < COMPLAINTS_MAX;
}

bool client_init(struct client *client, const struct load_settings *settings, struct tally *tally,
                 uint32_t number) {
    *client = (struct client){.settings = settings, .tally = tally, .fd = -1};
    plan_init(&client->plan, number, settings->connections, settings->keys, settings->seed);
    client->expected = calloc(settings->pipeline, sizeof *client->expected);
    client->out = malloc(BUFFER_BYTES);
    client->in = malloc(BUFFER_BYTES);
    client->out_room = BUFFER_BYTES;
    client->in_room = BUFFER_BYTES;
    return client->expected && client->out && client->in;
}

void client_destroy(struct client *client) {
    if (client->fd >= 0)
        close(client->fd);
    free(client->expected);
    free(client->out);
    free(client->in);
}

static enum client_state client_failed(struct client *client, const char *what) {
    if (complain())
        fprintf(stderr, "kv_load: connection %u: %s: %s\n", client->plan.connection, what,
                errno ? strerror(errno) : "closed by the server");
    client->tally->errors++;
    return CLIENT_FAILED;
}

bool client_connect(struct client *client) {
    uint32_t churn = client->settings->churn;
    if (client->fd >= 0) {
        close(client->fd);
        client->tally->reconnects++;
    }
    client->fd = kv_connect(client->settings->address);
    // From half of it to one and a half: the connections do not all turn over together.
    client->churn_in =
        churn ? churn / 2 + random_below(&client->plan.random, churn) + 1 : INT64_MAX;
    if (client->fd < 0)
        (void)client_failed(client, "connect");
    return client->fd >= 0;
}

bool client_churns(struct client *client) {
    return client->churn_in <= 0;
}

static bool buffer_room(unsigned char **buffer, size_t *room, size_t needed) {
    if (needed <= *room)
        return true;
    size_t larger = *room * 2 > needed ? *room * 2 : needed;
    unsigned char *grown = realloc(*buffer, larger);
    if (!grown)
        return false;
    *buffer = grown;
    *room = larger;
    return true;
}

static bool client_fill_batch(struct client *client, enum phase phase) {
    struct planned planned;
    client->batch = 0;
    client->answered = 0;
    client->out_start = 0;
    client->out_end = 0;
    while (client->batch < client->settings->pipeline &&
           plan_next(&client->plan, phase, &planned)) {
        size_t bytes = plan_size(&planned);
        if (!buffer_room(&client->out, &client->out_room, client->out_end + bytes))
            return false;
        planned.header.tag = client->batch;
        plan_write(&client->plan, &planned, client->out + client->out_end);
        client->out_end += bytes;
        client->expected[client->batch++] = planned.expected;
    }
    return true;
}

static enum client_state client_write(struct client *client) {
    while (client->out_start < client->out_end) {
        ssize_t sent = send(client->fd, client->out + client->out_start,
                            client->out_end - client->out_start, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN ? CLIENT_BUSY : client_failed(client, "send");
        client->out_start += (size_t)sent;
        client->tally->bytes += (uint64_t)sent;
    }
    return CLIENT_BUSY;
}

enum client_state client_send(struct client *client, enum phase phase) {
    if (!client_fill_batch(client, phase)) {
        errno = ENOMEM;
        return client_failed(client, "batch");
    }
    if (client->batch == 0)
        return CLIENT_DONE;
    client->churn_in -= client->batch;
    client->sent_ns = kv_now_ns();
    return client_write(client);
}

static void client_judge(struct client *client, const struct kv_reply_header *header,
                         const unsigned char *body) {
    const struct expected *expected = &client->expected[client->answered];
    enum verdict verdict = REPLY_WRONG;
    if (header->tag == client->answered)
        verdict = check_reply(expected, header, body);
    if (verdict == REPLY_LOST)
        client->tally->lost++;
    if (verdict != REPLY_WRONG)
        return;
    client->tally->errors++;
    if (complain())
        fprintf(stderr,
                "kv_load: connection %u: wrong reply: op %d kind %d key %u: status %d, %u bytes, "
                "tag %u; expected %u bytes, tag %u\n",
                client->plan.connection, expected->op, expected->kind, expected->key,
                header->status, header->body_bytes, header->tag, expected->bytes,
                client->answered);
}

// Judges the complete replies at hand. DONE: the batch is. FAILED: what came is no reply.
static enum client_state client_parse(struct client *client, enum phase phase, uint64_t now_ns) {
    struct kv_reply_header header;
    while (client->answered < client->batch) {
        const unsigned char *from = client->in + client->in_start;
        size_t have = client->in_end - client->in_start;
        if (have < KV_REPLY_BYTES)
            return CLIENT_BUSY;
        errno = EPROTO;
        if (!kv_get_reply(from, &header) || header.body_bytes > REPLY_MAX)
            return client_failed(client, "reply");
        size_t bytes = KV_REPLY_BYTES + (size_t)header.body_bytes;
        if (have < bytes)
            return CLIENT_BUSY;
        client_judge(client, &header, from + KV_REPLY_BYTES);
        client->in_start += bytes;
        client->answered++;
        client->tally->requests++;
        if (phase == PHASE_MIX)
            histogram_add(&client->tally->latency, now_ns - client->sent_ns);
    }
    errno = EPROTO;
    return client->in_start == client->in_end ? CLIENT_DONE
                                              : client_failed(client, "more than was asked for");
}

// Room for the reply that has begun, and for at least one byte.
static bool client_in_room(struct client *client) {
    struct kv_reply_header header;
    size_t have = client->in_end - client->in_start;
    size_t needed = have + 1;
    memmove(client->in, client->in + client->in_start, have);
    client->in_start = 0;
    client->in_end = have;
    if (have >= KV_REPLY_BYTES && kv_get_reply(client->in, &header))
        needed = KV_REPLY_BYTES + (size_t)header.body_bytes;
    return buffer_room(&client->in, &client->in_room, needed > have ? needed : have + 1);
}

enum client_state client_continue(struct client *client, enum phase phase) {
    if (client_write(client) == CLIENT_FAILED)
        return CLIENT_FAILED;
    for (;;) {
        if (!client_in_room(client))
            return client_failed(client, "reply");
        size_t room = client->in_room - client->in_end;
        ssize_t got = recv(client->fd, client->in + client->in_end, room, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return CLIENT_BUSY;
        if (got == 0)
            errno = 0;
        if (got <= 0)
            return client_failed(client, "receive");
        client->in_end += (size_t)got;
        client->tally->bytes += (uint64_t)got;
        enum client_state state = client_parse(client, phase, kv_now_ns());
        if (state != CLIENT_BUSY || (size_t)got < room)
            return state;
    }
}

uint32_t client_events(const struct client *client) {
    return client->out_start < client->out_end ? EPOLLIN | EPOLLOUT : EPOLLIN;
}
