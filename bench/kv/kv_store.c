// bench/kv/kv_store.c - the key-value store: shards, each a table under a lock of its own.
#include "kv_store.h"

#include "kv_clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SWEEP_CHAINS = 4096,  // looked at in one call of store_sweep
    NUMBER_BYTES = 24,    // room for any int64_t as text
};

static struct table *store_enter(struct store *store, const struct key *key, struct shard **shard) {
    uint64_t index = store->shard_bits ? key->hash >> (64 - store->shard_bits) : 0;
    *shard = &store->shards[index];
    pthread_mutex_lock(&(*shard)->lock);
    return &(*shard)->table;
}

static void store_leave(struct shard *shard) {
    struct entry *dead = table_take_dead(&shard->table);
    pthread_mutex_unlock(&shard->lock);
    entry_free_all(dead);
}

bool store_init(struct store *store, uint32_t shard_count, uint64_t bytes_max) {
    *store = (struct store){.shard_count = shard_count};
    store->shard_bits = (uint32_t)__builtin_ctz(shard_count);
    store->shards = aligned_alloc(alignof(struct shard), shard_count * sizeof(struct shard));
    if (!store->shards)
        return false;
    for (uint32_t i = 0; i < shard_count; i++) {
        pthread_mutex_init(&store->shards[i].lock, NULL);
        if (!table_init(&store->shards[i].table, bytes_max / shard_count))
            return false;
    }
    return true;
}

void store_destroy(struct store *store) {
    store_flush(store);
    for (uint32_t i = 0; i < store->shard_count; i++) {
        table_destroy(&store->shards[i].table);
        pthread_mutex_destroy(&store->shards[i].lock);
    }
    free(store->shards);
}

struct value *store_get(struct store *store, const struct key *key) {
    struct shard *shard;
    struct table *table = store_enter(store, key, &shard);
    struct entry *entry = table_find(table, key, kv_now_ms());
    struct value *value = entry ? value_keep(entry->value) : NULL;
    store_leave(shard);
    return value;
}

// Puts value under key, in the place of entry when there is one. Takes value in any case; what has
// to be dropped after unlocking is left in *drop.
static enum kv_status table_put(struct table *table, struct entry *entry, const struct key *key,
                                struct value *value, uint64_t expires_ms, struct value **drop) {
    if (entry) {
        *drop = table_replace(table, entry, value, expires_ms);
    } else {
        entry = entry_new(key, value);
        if (!entry) {
            *drop = value;
            return KV_NO_MEMORY;
        }
        entry->expires_ms = expires_ms;
        table_insert(table, entry);
    }
    table_evict(table);
    return KV_OK;
}

enum kv_status store_set(struct store *store, const struct key *key, struct value *value,
                         uint32_t ttl_ms) {
    struct shard *shard;
    struct value *drop = NULL;
    uint64_t now = kv_now_ms();
    struct table *table = store_enter(store, key, &shard);
    struct entry *entry = table_find(table, key, now);
    enum kv_status status = table_put(table, entry, key, value, ttl_ms ? now + ttl_ms : 0, &drop);
    store_leave(shard);
    value_drop(drop);
    return status;
}

enum kv_status store_delete(struct store *store, const struct key *key) {
    struct shard *shard;
    struct table *table = store_enter(store, key, &shard);
    struct entry *entry = table_find(table, key, kv_now_ms());
    if (entry)
        table_remove(table, entry);
    store_leave(shard);
    return entry ? KV_OK : KV_MISSING;
}

static enum kv_status table_extend(struct table *table, struct entry *entry,
                                   const struct value *tail) {
    if (tail->bytes > KV_VALUE_MAX - entry->value->bytes)
        return KV_TOO_BIG;
    if (!table_append(table, entry, tail->data, tail->bytes))
        return KV_NO_MEMORY;
    table_evict(table);
    return KV_OK;
}

enum kv_status store_append(struct store *store, const struct key *key, struct value *tail,
                            uint32_t *length) {
    struct shard *shard;
    struct value *drop = tail;
    struct table *table = store_enter(store, key, &shard);
    struct entry *entry = table_find(table, key, kv_now_ms());
    enum kv_status status;
    *length = tail->bytes + (entry ? entry->value->bytes : 0);
    if (entry) {
        status = table_extend(table, entry, tail);
    } else {
        drop = NULL;
        status = table_put(table, NULL, key, tail, 0, &drop);
    }
    store_leave(shard);
    value_drop(drop);
    return status;
}

static bool value_number(const struct value *value, int64_t *number) {
    char text[NUMBER_BYTES];
    char *end;
    if (value->bytes == 0 || value->bytes >= sizeof text)
        return false;
    memcpy(text, value->data, value->bytes);
    text[value->bytes] = '\0';
    errno = 0;
    *number = strtoll(text, &end, 10);
    return *end == '\0' && errno == 0;
}

static struct value *number_value(int64_t number) {
    char text[NUMBER_BYTES];
    uint32_t bytes = (uint32_t)snprintf(text, sizeof text, "%" PRId64, number);
    struct value *value = value_new(bytes);
    if (value)
        memcpy(value->data, text, bytes);
    return value;
}

static enum kv_status table_add(struct table *table, const struct key *key, int64_t by,
                                int64_t *result, struct value **drop) {
    struct entry *entry = table_find(table, key, kv_now_ms());
    int64_t number = 0;
    if (entry && !value_number(entry->value, &number))
        return KV_NOT_NUMBER;
    if (__builtin_add_overflow(number, by, result))
        return KV_NOT_NUMBER;
    struct value *value = number_value(*result);
    if (!value)
        return KV_NO_MEMORY;
    return table_put(table, entry, key, value, entry ? entry->expires_ms : 0, drop);
}

enum kv_status store_increment(struct store *store, const struct key *key, int64_t by,
                               int64_t *result) {
    struct shard *shard;
    struct value *drop = NULL;
    struct table *table = store_enter(store, key, &shard);
    enum kv_status status = table_add(table, key, by, result, &drop);
    store_leave(shard);
    value_drop(drop);
    return status;
}

void store_flush(struct store *store) {
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        pthread_mutex_lock(&shard->lock);
        struct entry *all = table_take_all(&shard->table);
        pthread_mutex_unlock(&shard->lock);
        entry_free_all(all);
    }
}

void store_sweep(struct store *store) {
    struct shard *shard = &store->shards[store->sweep_next++ & (store->shard_count - 1)];
    pthread_mutex_lock(&shard->lock);
    table_sweep(&shard->table, SWEEP_CHAINS, kv_now_ms());
    store_leave(shard);
}

struct store_stats store_stats(struct store *store) {
    struct store_stats stats = {0};
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        pthread_mutex_lock(&shard->lock);
        stats.keys += shard->table.entry_count;
        stats.bytes += shard->table.bytes;
        stats.evicted += shard->table.evicted;
        stats.expired += shard->table.expired;
        pthread_mutex_unlock(&shard->lock);
    }
    return stats;
}
