// bench/kv/kv_table.h - one shard: a hash table whose entries also stand in order of use.
//
// Takes no lock: the store holds the lock of the shard around every call. Frees no entry under it
// either: those taken out (deleted, expired, evicted) are collected in `dead`, and the store frees
// them after unlocking, with entry_free_all.
// Guarantees  1. an entry is in exactly one chain and in the order of use, or in `dead`
//             2. bytes is the sum of entry_cost over the entries of the table
//             3. after table_evict bytes <= bytes_max, or one entry is left
#pragma once

#include "kv_value.h"

#include <stdbool.h>
#include <stdint.h>

struct key {
    uint64_t             hash;
    const unsigned char *text;
    uint16_t             bytes;
};

struct entry {
    struct entry *next;        // in its chain, or in the list of the dead
    struct entry *newer;       // order of use, a ring through table->order
    struct entry *older;
    struct value *value;       // never NULL in a table
    uint64_t      hash;
    uint64_t      expires_ms;  // 0 = never
    uint16_t      key_bytes;
    unsigned char key[];
};

struct table {
    struct entry **chains;       // chain_count of them
    uint32_t       chain_count;  // a power of two
    uint32_t       entry_count;
    uint32_t       sweep_next;   // the chain table_sweep looks at next
    uint64_t       bytes;
    uint64_t       bytes_max;
    uint64_t       evicted;      // entries, since the start
    uint64_t       expired;
    struct entry  *dead;
    struct entry  *newest;       // order of use
    struct entry  *oldest;
};

struct key    key_make(const unsigned char *text, uint16_t bytes);
// Takes value. NULL: no memory, and value is still the caller's.
struct entry *entry_new(const struct key *key, struct value *value);
void          entry_free_all(struct entry *first);  // a list by ->next, values included

bool          table_init(struct table *table, uint64_t bytes_max);  // false: no memory
struct entry *table_take_all(struct table *table);  // empties it; the former entries as a list
void          table_destroy(struct table *table);   // an emptied table
// NULL: not there or expired. What it finds becomes the newest.
struct entry *table_find(struct table *table, const struct key *key, uint64_t now_ms);
void          table_insert(struct table *table, struct entry *entry);  // its key is not there yet
void          table_remove(struct table *table, struct entry *entry);  // to the dead
// The former value; the caller drops it. expires_ms as in struct entry.
struct value *table_replace(struct table *table, struct entry *entry, struct value *value,
                            uint64_t expires_ms);
// Adds to the entry's value; false: no memory, nothing changed.
bool          table_append(struct table *table, struct entry *entry, const unsigned char *data,
                           uint32_t bytes);
void          table_evict(struct table *table);  // least recently used first, down to bytes_max
void          table_sweep(struct table *table, uint32_t chains, uint64_t now_ms);  // the expired
struct entry *table_take_dead(struct table *table);
