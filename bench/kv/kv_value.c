// bench/kv/kv_value.c - one stored string, counted by references.
#include "kv_value.h"

#include <stdlib.h>
#include <string.h>

static size_t value_size(uint32_t capacity) {
    return sizeof(struct value) + capacity;
}

struct value *value_new(uint32_t bytes) {
    struct value *value = malloc(value_size(bytes));
    if (!value)
        return NULL;
    atomic_init(&value->references, 1);
    value->bytes = bytes;
    value->capacity = bytes;
    return value;
}

struct value *value_keep(struct value *value) {
    atomic_fetch_add_explicit(&value->references, 1, memory_order_relaxed);
    return value;
}

void value_drop(struct value *value) {
    if (!value)
        return;
    if (atomic_fetch_sub_explicit(&value->references, 1, memory_order_acq_rel) == 1)
        free(value);
}

static struct value *value_grow(struct value *value, uint32_t capacity) {
    struct value *grown = realloc(value, value_size(capacity));
    if (grown)
        grown->capacity = capacity;
    return grown;
}

static struct value *value_copy(struct value *value, uint32_t capacity) {
    struct value *copy = value_new(capacity);
    if (!copy)
        return NULL;
    copy->bytes = value->bytes;
    memcpy(copy->data, value->data, value->bytes);
    value_drop(value);
    return copy;
}

struct value *value_append(struct value *value, const unsigned char *data, uint32_t bytes) {
    uint32_t needed = value->bytes + bytes;
    bool alone = atomic_load_explicit(&value->references, memory_order_acquire) == 1;
    if (!alone || needed > value->capacity) {
        // A quarter more than needed, so that a growing string is not moved at every step.
        uint32_t capacity = needed + needed / 4;
        value = alone ? value_grow(value, capacity) : value_copy(value, capacity);
        if (!value)
            return NULL;
    }
    memcpy(value->data + value->bytes, data, bytes);
    value->bytes = needed;
    return value;
}
