// bench/kv/kv_request.h - a request as an object of its own, and carrying it out.
//
// A request outlives the read that brought its first bytes: its key lies in its own block, and its
// body in a value that is filled straight from the socket and that SET hands to the store.
#pragma once

#include "kv_reply.h"
#include "kv_store.h"

struct request {
    struct kv_request_header header;
    struct value            *body;       // NULL when the request has none
    uint32_t                 body_have;  // bytes of it that have arrived
    unsigned char            key[];
};

// header and key as they came; NULL: no memory.
struct request *request_new(const struct kv_request_header *header, const unsigned char *key);
void            request_free(struct request *request);  // NULL: nothing
// Carries out a complete request and queues its reply. May take request->body.
// false: malformed, or no memory for the reply; the connection then has to end.
bool request_execute(struct request *request, struct store *store, struct reply_queue *out);
