// bench/kv/kv_reply.c - the replies of one connection that are not sent yet.
#include "kv_reply.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
    BLOCK_BYTES = 4096,  // of copied data
    COPY_MAX = 512,      // a value up to this size is copied
    PIECES_MIN = 8,
    SEND_PIECES = 64,    // handed to one system call
};

// Part of the stream: bytes from start in a block of ours, or in a value.
struct piece {
    unsigned char *block;  // ours, BLOCK_BYTES big; NULL: the data is in value
    struct value  *value;
    uint32_t       start;  // sent already
    uint32_t       end;
};

static void piece_free(struct piece *piece) {
    free(piece->block);
    value_drop(piece->value);
}

// Moves the pieces in use to the front of the array.
static void queue_pack(struct reply_queue *queue) {
    uint32_t used = queue->piece_end - queue->piece_first;
    memmove(queue->pieces, queue->pieces + queue->piece_first, used * sizeof *queue->pieces);
    queue->piece_first = 0;
    queue->piece_end = used;
}

static bool queue_grow(struct reply_queue *queue) {
    uint32_t room = queue->piece_room ? queue->piece_room * 2 : PIECES_MIN;
    struct piece *pieces = realloc(queue->pieces, room * sizeof *pieces);
    if (!pieces)
        return false;
    queue->pieces = pieces;
    queue->piece_room = room;
    return true;
}

static struct piece *queue_add(struct reply_queue *queue) {
    if (queue->piece_end == queue->piece_room && queue->piece_first > 0)
        queue_pack(queue);
    if (queue->piece_end == queue->piece_room && !queue_grow(queue))
        return NULL;
    struct piece *piece = &queue->pieces[queue->piece_end++];
    *piece = (struct piece){0};
    return piece;
}

// The last piece, if it is a block with room; else a new block.
static struct piece *queue_block(struct reply_queue *queue) {
    if (queue->piece_end > queue->piece_first) {
        struct piece *last = &queue->pieces[queue->piece_end - 1];
        if (last->block && last->end < BLOCK_BYTES)
            return last;
    }
    struct piece *piece = queue_add(queue);
    if (!piece)
        return NULL;
    piece->block = malloc(BLOCK_BYTES);
    return piece->block ? piece : NULL;
}

bool reply_bytes(struct reply_queue *queue, const void *data, uint32_t bytes) {
    const unsigned char *from = data;
    queue->bytes += bytes;
    while (bytes > 0) {
        struct piece *piece = queue_block(queue);
        if (!piece)
            return false;
        uint32_t room = BLOCK_BYTES - piece->end;
        uint32_t part = bytes < room ? bytes : room;
        memcpy(piece->block + piece->end, from, part);
        piece->end += part;
        from += part;
        bytes -= part;
    }
    return true;
}

bool reply_header(struct reply_queue *queue, enum kv_status status, uint32_t tag, uint32_t bytes) {
    unsigned char text[KV_REPLY_BYTES];
    struct kv_reply_header header = {
        .status = (uint8_t)status, .body_bytes = bytes, .tag = tag};
    kv_put_reply(text, &header);
    return reply_bytes(queue, text, sizeof text);
}

bool reply_value(struct reply_queue *queue, struct value *value) {
    struct piece *piece = NULL;
    if (value->bytes > COPY_MAX)
        piece = queue_add(queue);
    if (!piece) {
        bool copied = reply_bytes(queue, value->data, value->bytes);
        value_drop(value);
        return copied;
    }
    piece->value = value;
    piece->end = value->bytes;
    queue->bytes += value->bytes;
    return true;
}

static int queue_vector(const struct reply_queue *queue, struct iovec *vector) {
    int count = 0;
    for (uint32_t i = queue->piece_first; i < queue->piece_end && count < SEND_PIECES; i++) {
        const struct piece *piece = &queue->pieces[i];
        unsigned char *data = piece->block ? piece->block : piece->value->data;
        vector[count].iov_base = data + piece->start;
        vector[count].iov_len = piece->end - piece->start;
        count++;
    }
    return count;
}

static void queue_sent(struct reply_queue *queue, size_t bytes) {
    queue->bytes -= bytes;
    while (bytes > 0) {
        struct piece *piece = &queue->pieces[queue->piece_first];
        uint32_t left = piece->end - piece->start;
        if (bytes < left) {
            piece->start += (uint32_t)bytes;
            return;
        }
        bytes -= left;
        piece_free(piece);
        queue->piece_first++;
    }
}

int reply_send(struct reply_queue *queue, int fd) {
    while (queue->bytes > 0) {
        struct iovec vector[SEND_PIECES];
        struct msghdr message = {.msg_iov = vector};
        message.msg_iovlen = (size_t)queue_vector(queue, vector);
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN ? 0 : -1;
        queue_sent(queue, (size_t)sent);
    }
    reply_clear(queue);
    return 0;
}

void reply_clear(struct reply_queue *queue) {
    for (uint32_t i = queue->piece_first; i < queue->piece_end; i++)
        piece_free(&queue->pieces[i]);
    free(queue->pieces);
    *queue = (struct reply_queue){0};
}
