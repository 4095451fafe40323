// bench/kv/kv_request.c - a request as an object of its own, and carrying it out.
#include "kv_request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NUMBER_TEXT = 24,
    STATS_TEXT = 256,
};

struct request *request_new(const struct kv_request_header *header, const unsigned char *key) {
    struct request *request = malloc(sizeof *request + header->key_bytes);
    if (!request)
        return NULL;
    *request = (struct request){.header = *header};
    memcpy(request->key, key, header->key_bytes);
    if (header->body_bytes == 0)
        return request;
    request->body = value_new(header->body_bytes);
    if (request->body)
        return request;
    free(request);
    return NULL;
}

void request_free(struct request *request) {
    if (!request)
        return;
    value_drop(request->body);
    free(request);
}

static struct key request_key(const struct request *request) {
    return key_make(request->key, request->header.key_bytes);
}

// The body becomes the store's: an empty one is made when the request came without.
static struct value *request_take_body(struct request *request) {
    struct value *body = request->body ? request->body : value_new(0);
    request->body = NULL;
    return body;
}

static bool execute_get(struct request *request, struct store *store, struct reply_queue *out) {
    struct key key = request_key(request);
    struct value *value = store_get(store, &key);
    if (!value)
        return reply_header(out, KV_MISSING, request->header.tag, 0);
    if (reply_header(out, KV_OK, request->header.tag, value->bytes))
        return reply_value(out, value);
    value_drop(value);
    return false;
}

static bool execute_set(struct request *request, struct store *store, struct reply_queue *out) {
    struct key key = request_key(request);
    struct value *body = request_take_body(request);
    enum kv_status status = KV_NO_MEMORY;
    if (body)
        status = store_set(store, &key, body, request->header.ttl_ms);
    return reply_header(out, status, request->header.tag, 0);
}

static bool execute_delete(struct request *request, struct store *store, struct reply_queue *out) {
    struct key key = request_key(request);
    return reply_header(out, store_delete(store, &key), request->header.tag, 0);
}

static bool execute_append(struct request *request, struct store *store, struct reply_queue *out) {
    struct key key = request_key(request);
    struct value *tail = request_take_body(request);
    enum kv_status status = KV_NO_MEMORY;
    uint32_t length = 0;
    unsigned char text[sizeof length];
    if (tail)
        status = store_append(store, &key, tail, &length);
    if (status != KV_OK)
        return reply_header(out, status, request->header.tag, 0);
    kv_put32(text, length);
    return reply_header(out, KV_OK, request->header.tag, sizeof text) &&
           reply_bytes(out, text, sizeof text);
}

static bool execute_increment(struct request *request, struct store *store,
                              struct reply_queue *out) {
    struct key key = request_key(request);
    char text[NUMBER_TEXT];
    int64_t result = 0;
    if (!request->body || request->body->bytes != sizeof result)
        return false;
    int64_t by = (int64_t)kv_get64(request->body->data);
    enum kv_status status = store_increment(store, &key, by, &result);
    if (status != KV_OK)
        return reply_header(out, status, request->header.tag, 0);
    uint32_t bytes = (uint32_t)snprintf(text, sizeof text, "%" PRId64, result);
    return reply_header(out, KV_OK, request->header.tag, bytes) && reply_bytes(out, text, bytes);
}

// Finds the values of the keys in body; how many keys, or -1 when the body is malformed. What was
// found has to be dropped in any case.
static int mget_find(const struct value *body, struct store *store, struct value **found) {
    int count = 0;
    for (uint32_t at = 0; at < body->bytes; count++) {
        if (count == KV_MGET_MAX || body->bytes - at < 2)
            return -1;
        uint16_t bytes = kv_get16(body->data + at);
        at += 2;
        if (bytes > KV_KEY_MAX || bytes > body->bytes - at)
            return -1;
        struct key key = key_make(body->data + at, bytes);
        found[count] = store_get(store, &key);
        at += bytes;
    }
    return count;
}

static bool mget_reply_one(struct value *value, struct reply_queue *out) {
    unsigned char text[4];
    kv_put32(text, value ? value->bytes : KV_ABSENT);
    return reply_bytes(out, text, sizeof text) && (!value || reply_value(out, value_keep(value)));
}

static bool mget_reply(struct value **found, int count, uint32_t tag, struct reply_queue *out) {
    uint32_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += 4 + (found[i] ? found[i]->bytes : 0);
    bool good = reply_header(out, KV_OK, tag, bytes);
    for (int i = 0; i < count && good; i++)
        good = mget_reply_one(found[i], out);
    return good;
}

static bool execute_mget(struct request *request, struct store *store, struct reply_queue *out) {
    struct value *found[KV_MGET_MAX] = {NULL};
    if (!request->body)
        return false;
    int count = mget_find(request->body, store, found);
    bool good = count >= 0 && mget_reply(found, count, request->header.tag, out);
    for (int i = 0; i < KV_MGET_MAX; i++)
        value_drop(found[i]);
    return good;
}

static bool execute_stats(struct request *request, struct store *store, struct reply_queue *out) {
    char text[STATS_TEXT];
    struct store_stats stats = store_stats(store);
    uint32_t bytes = (uint32_t)snprintf(
        text, sizeof text,
        "keys %" PRIu64 "\nbytes %" PRIu64 "\nevicted %" PRIu64 "\nexpired %" PRIu64 "\n",
        stats.keys, stats.bytes, stats.evicted, stats.expired);
    return reply_header(out, KV_OK, request->header.tag, bytes) && reply_bytes(out, text, bytes);
}

static bool execute_flush(struct request *request, struct store *store, struct reply_queue *out) {
    store_flush(store);
    return reply_header(out, KV_OK, request->header.tag, 0);
}

bool request_execute(struct request *request, struct store *store, struct reply_queue *out) {
    switch ((enum kv_op)request->header.op) {
    case KV_GET: return execute_get(request, store, out);
    case KV_SET: return execute_set(request, store, out);
    case KV_DEL: return execute_delete(request, store, out);
    case KV_APPEND: return execute_append(request, store, out);
    case KV_INCR: return execute_increment(request, store, out);
    case KV_MGET: return execute_mget(request, store, out);
    case KV_STATS: return execute_stats(request, store, out);
    case KV_FLUSH: return execute_flush(request, store, out);
    case KV_OP_END: break;
    }
    return false;
}
