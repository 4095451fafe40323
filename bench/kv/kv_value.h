// bench/kv/kv_value.h - one stored string, counted by references.
//
// The table holds one reference, each reply on its way to a client another. Whoever drops the last
// one frees the block: often a thread that did not allocate it.
// A value with more than one reference is never written.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct value {
    _Atomic uint32_t references;
    uint32_t         bytes;     // in use
    uint32_t         capacity;  // bytes data has room for
    unsigned char    data[];
};

// All return NULL when there is no memory; the arguments then stand as they were.
struct value *value_new(uint32_t bytes);  // contents undefined, one reference
struct value *value_keep(struct value *value);  // one more reference; returns value
void          value_drop(struct value *value);  // NULL: nothing
// value and then bytes of data: in place or by realloc when nobody else holds it, else a copy.
// Consumes the caller's reference to value and returns the one to the result.
struct value *value_append(struct value *value, const unsigned char *data, uint32_t bytes);
