// bench/kv/kv_store.h - the key-value store: shards, each a table under a lock of its own.
//
// Any thread may call anything at any time. No entry is freed and no reference dropped while a
// lock is held, so no shard waits for the allocator's free. Bodies taken by a call belong to the
// store whatever it answers.
#pragma once

#include "kv_protocol.h"
#include "kv_table.h"

#include <pthread.h>
#include <stdalign.h>

enum { KV_SHARDS_MAX = 256 };

struct shard {
    alignas(64) pthread_mutex_t lock;  // each on a cache line of its own
    struct table table;                // under lock
};

struct store {
    struct shard *shards;
    uint32_t      shard_count;   // a power of two
    uint32_t      shard_bits;    // its logarithm
    uint32_t      sweep_next;    // written by the one thread that sweeps
};

struct store_stats {
    uint64_t keys;
    uint64_t bytes;    // of entries and values, without the overhead of malloc
    uint64_t evicted;  // entries, since the start
    uint64_t expired;
};

bool store_init(struct store *store, uint32_t shard_count, uint64_t bytes_max);
void store_destroy(struct store *store);  // frees everything; no other call may be running

struct value  *store_get(struct store *store, const struct key *key);  // a reference, or NULL
enum kv_status store_set(struct store *store, const struct key *key, struct value *value,
                         uint32_t ttl_ms);
enum kv_status store_delete(struct store *store, const struct key *key);
enum kv_status store_append(struct store *store, const struct key *key, struct value *tail,
                            uint32_t *length);
enum kv_status store_increment(struct store *store, const struct key *key, int64_t by,
                               int64_t *result);
void store_flush(struct store *store);
void store_sweep(struct store *store);  // drops some of the expired; one thread, now and then
struct store_stats store_stats(struct store *store);
