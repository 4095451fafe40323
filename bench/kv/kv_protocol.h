// bench/kv/kv_protocol.h - what travels between kv_server and its clients.
//
// Binary, little-endian, pipelined: a client may send any number of requests before it reads a
// reply; replies come in the order of the requests of their connection.
//
//   request   magic u8 'q' | op u8 | key_bytes u16 | body_bytes u32 | ttl_ms u32 | tag u32
//             then the key, then the body
//   reply     magic u8 'r' | status u8 | zero u16 | body_bytes u32 | tag u32
//             then the body; the tag is the one of the request
//
//   op       key  body of the request         body of the reply
//   GET      yes  -                           the value
//   SET      yes  the value                   -        (ttl_ms: 0 lives for ever)
//   DEL      yes  -                           -
//   APPEND   yes  bytes to add                new length, u32  (makes the key when it is missing)
//   INCR     yes  what to add, s64            new value, decimal text  (a missing key counts as 0)
//   MGET     no   (length u16, key) repeated  for each key: bytes u32, value; KV_ABSENT if missing
//   STATS    no   -                           lines "name number\n"
//   FLUSH    no   -                           -        (removes every key)
//
// A request that breaks these rules, or a limit below, ends the connection.
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    KV_REQUEST_MAGIC = 'q',
    KV_REPLY_MAGIC = 'r',
    KV_REQUEST_BYTES = 16,  // header alone
    KV_REPLY_BYTES = 12,    // header alone
    KV_KEY_MAX = 250,       // bytes
    KV_VALUE_MAX = 65536,   // bytes; APPEND beyond it is answered KV_TOO_BIG
    KV_MGET_MAX = 64,       // keys of one MGET
};

#define KV_ABSENT UINT32_MAX

enum kv_op {
    KV_GET = 1,
    KV_SET,
    KV_DEL,
    KV_APPEND,
    KV_INCR,
    KV_MGET,
    KV_STATS,
    KV_FLUSH,
    KV_OP_END,  // one more than the last
};

enum kv_status {
    KV_OK,
    KV_MISSING,     // no such key
    KV_TOO_BIG,     // the value would exceed KV_VALUE_MAX; nothing was changed
    KV_NOT_NUMBER,  // INCR on a value that is no decimal number, or overflow; nothing was changed
    KV_NO_MEMORY,   // nothing was changed
};

struct kv_request_header {
    uint8_t  op;
    uint16_t key_bytes;
    uint32_t body_bytes;
    uint32_t ttl_ms;
    uint32_t tag;
};

struct kv_reply_header {
    uint8_t  status;
    uint32_t body_bytes;
    uint32_t tag;
};

static inline void kv_put16(unsigned char *to, uint16_t number) {
    number = htole16(number);
    memcpy(to, &number, sizeof number);
}

static inline void kv_put32(unsigned char *to, uint32_t number) {
    number = htole32(number);
    memcpy(to, &number, sizeof number);
}

static inline void kv_put64(unsigned char *to, uint64_t number) {
    number = htole64(number);
    memcpy(to, &number, sizeof number);
}

static inline uint16_t kv_get16(const unsigned char *from) {
    uint16_t number;
    memcpy(&number, from, sizeof number);
    return le16toh(number);
}

static inline uint32_t kv_get32(const unsigned char *from) {
    uint32_t number;
    memcpy(&number, from, sizeof number);
    return le32toh(number);
}

static inline uint64_t kv_get64(const unsigned char *from) {
    uint64_t number;
    memcpy(&number, from, sizeof number);
    return le64toh(number);
}

// Writes KV_REQUEST_BYTES bytes.
static inline void kv_put_request(unsigned char *to, const struct kv_request_header *header) {
    to[0] = KV_REQUEST_MAGIC;
    to[1] = header->op;
    kv_put16(to + 2, header->key_bytes);
    kv_put32(to + 4, header->body_bytes);
    kv_put32(to + 8, header->ttl_ms);
    kv_put32(to + 12, header->tag);
}

// Whether the operation has a key and a body exactly when it should, within the limits.
static inline bool kv_request_fits(const struct kv_request_header *header) {
    bool wants_key = header->op <= KV_INCR;
    bool wants_none = header->op == KV_GET || header->op == KV_DEL || header->op >= KV_STATS;
    return header->op >= KV_GET && header->op < KV_OP_END && header->key_bytes <= KV_KEY_MAX &&
           header->body_bytes <= KV_VALUE_MAX && (header->key_bytes > 0) == wants_key &&
           !(wants_none && header->body_bytes > 0);
}

// Reads KV_REQUEST_BYTES bytes; false: not a request within the rules.
static inline bool kv_get_request(const unsigned char *from, struct kv_request_header *header) {
    header->op = from[1];
    header->key_bytes = kv_get16(from + 2);
    header->body_bytes = kv_get32(from + 4);
    header->ttl_ms = kv_get32(from + 8);
    header->tag = kv_get32(from + 12);
    return from[0] == KV_REQUEST_MAGIC && kv_request_fits(header);
}

// Writes KV_REPLY_BYTES bytes.
static inline void kv_put_reply(unsigned char *to, const struct kv_reply_header *header) {
    to[0] = KV_REPLY_MAGIC;
    to[1] = header->status;
    kv_put16(to + 2, 0);
    kv_put32(to + 4, header->body_bytes);
    kv_put32(to + 8, header->tag);
}

// Reads KV_REPLY_BYTES bytes; false: not a reply.
static inline bool kv_get_reply(const unsigned char *from, struct kv_reply_header *header) {
    header->status = from[1];
    header->body_bytes = kv_get32(from + 4);
    header->tag = kv_get32(from + 8);
    return from[0] == KV_REPLY_MAGIC && kv_get16(from + 2) == 0;
}
