// bench/kv/load_check.c - judges a reply against what was expected.
#include "load_check.h"

#include <stdlib.h>

static enum verdict good_if(bool good) {
    return good ? REPLY_GOOD : REPLY_WRONG;
}

static enum verdict check_get_own(const struct expected *expected, uint32_t bytes,
                                  const unsigned char *body) {
    if (bytes > expected->bytes)
        return REPLY_WRONG;
    // After a loss the value holds only what was appended since: the end of what is expected.
    const unsigned char *wanted = content_at(expected->place + expected->bytes - bytes);
    if (memcmp(body, wanted, bytes) != 0)
        return REPLY_WRONG;
    return bytes == expected->bytes ? REPLY_GOOD : REPLY_LOST;
}

static enum verdict check_get(const struct expected *expected,
                              const struct kv_reply_header *header, const unsigned char *body) {
    bool missing = header->status == KV_MISSING && header->body_bytes == 0;
    if (!missing && header->status != KV_OK)
        return REPLY_WRONG;
    if (expected->kind == KEY_SHARED)
        return good_if(missing || content_shared_good(body, expected->key, header->body_bytes));
    if (missing)
        return expected->present ? REPLY_LOST : REPLY_GOOD;
    if (!expected->present)
        return REPLY_WRONG;
    return check_get_own(expected, header->body_bytes, body);
}

static enum verdict check_delete(const struct expected *expected,
                                 const struct kv_reply_header *header) {
    bool deleted = header->status == KV_OK;
    if (header->body_bytes != 0 || (!deleted && header->status != KV_MISSING))
        return REPLY_WRONG;
    if (expected->kind == KEY_SHARED || deleted == expected->present)
        return REPLY_GOOD;
    return deleted ? REPLY_WRONG : REPLY_LOST;
}

static enum verdict check_append(const struct expected *expected,
                                 const struct kv_reply_header *header, const unsigned char *body) {
    if (header->status != KV_OK || header->body_bytes != 4)
        return REPLY_WRONG;
    uint32_t length = kv_get32(body);
    if (length > expected->bytes || length == 0)
        return REPLY_WRONG;
    return length == expected->bytes ? REPLY_GOOD : REPLY_LOST;
}

static enum verdict check_increment(const struct expected *expected,
                                    const struct kv_reply_header *header,
                                    const unsigned char *body) {
    char text[24];
    if (header->status != KV_OK || header->body_bytes == 0 || header->body_bytes >= sizeof text)
        return REPLY_WRONG;
    memcpy(text, body, header->body_bytes);
    text[header->body_bytes] = '\0';
    int64_t number = strtoll(text, NULL, 10);
    if (number > expected->number || number < 1)
        return REPLY_WRONG;
    return number == expected->number ? REPLY_GOOD : REPLY_LOST;
}

static enum verdict check_mget(const struct expected *expected,
                               const struct kv_reply_header *header, const unsigned char *body) {
    uint32_t left = header->body_bytes;
    if (header->status != KV_OK)
        return REPLY_WRONG;
    for (uint32_t i = 0; i < expected->mget_count; i++) {
        if (left < 4)
            return REPLY_WRONG;
        uint32_t bytes = kv_get32(body);
        body += 4;
        left -= 4;
        if (bytes == KV_ABSENT)
            continue;
        if (bytes > left || !content_shared_good(body, expected->mget_keys[i], bytes))
            return REPLY_WRONG;
        body += bytes;
        left -= bytes;
    }
    return good_if(left == 0);
}

enum verdict check_reply(const struct expected *expected, const struct kv_reply_header *header,
                         const unsigned char *body) {
    switch (expected->op) {
    case KV_GET: return check_get(expected, header, body);
    case KV_SET: return good_if(header->status == KV_OK && header->body_bytes == 0);
    case KV_DEL: return check_delete(expected, header);
    case KV_APPEND: return check_append(expected, header, body);
    case KV_INCR: return check_increment(expected, header, body);
    case KV_MGET: return check_mget(expected, header, body);
    case KV_STATS:
    case KV_FLUSH:
    case KV_OP_END: break;
    }
    return REPLY_WRONG;
}
