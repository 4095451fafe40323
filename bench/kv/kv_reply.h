// bench/kv/kv_reply.h - the replies of one connection that are not sent yet.
//
// Short data is copied into blocks; a long value is not copied but kept by reference until it is
// sent. A queue that is empty holds no memory.
#pragma once

#include "kv_protocol.h"
#include "kv_value.h"

#include <stddef.h>

struct piece;

struct reply_queue {
    struct piece *pieces;    // piece_room of them; those from piece_first to piece_end are in use
    uint32_t      piece_room;
    uint32_t      piece_first;
    uint32_t      piece_end;
    size_t        bytes;     // not sent yet
};

// These three return false when there is no memory: the queue is then good for reply_clear only.
bool reply_bytes(struct reply_queue *queue, const void *data, uint32_t bytes);
bool reply_header(struct reply_queue *queue, enum kv_status status, uint32_t tag, uint32_t bytes);
bool reply_value(struct reply_queue *queue, struct value *value);  // consumes the reference

// Sends as much as the socket takes. 0: all or the socket is full; -1: the connection is gone.
int  reply_send(struct reply_queue *queue, int fd);
void reply_clear(struct reply_queue *queue);  // drops everything
