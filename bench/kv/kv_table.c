// bench/kv/kv_table.c - one shard: a hash table whose entries also stand in order of use.
#include "kv_table.h"

#include <stdlib.h>
#include <string.h>

enum { CHAINS_MIN = 64 };

struct key key_make(const unsigned char *text, uint16_t bytes) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (uint16_t i = 0; i < bytes; i++)
        hash = (hash ^ text[i]) * 0x100000001b3u;
    // The shard is chosen by the high bits, the chain by the low ones: mix so that both are good.
    hash ^= hash >> 32;
    hash *= 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
    return (struct key){.hash = hash, .text = text, .bytes = bytes};
}

struct entry *entry_new(const struct key *key, struct value *value) {
    struct entry *entry = malloc(sizeof *entry + key->bytes);
    if (!entry)
        return NULL;
    *entry = (struct entry){.value = value, .hash = key->hash, .key_bytes = key->bytes};
    memcpy(entry->key, key->text, key->bytes);
    return entry;
}

void entry_free_all(struct entry *first) {
    while (first) {
        struct entry *next = first->next;
        value_drop(first->value);
        free(first);
        first = next;
    }
}

static uint64_t entry_cost(const struct entry *entry) {
    return sizeof *entry + entry->key_bytes + sizeof *entry->value + entry->value->capacity;
}

static bool entry_expired(const struct entry *entry, uint64_t now_ms) {
    return entry->expires_ms != 0 && entry->expires_ms <= now_ms;
}

static struct entry **table_chain(const struct table *table, uint64_t hash) {
    return &table->chains[hash & (table->chain_count - 1)];
}

static void order_unlink(struct table *table, struct entry *entry) {
    *(entry->newer ? &entry->newer->older : &table->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &table->oldest) = entry->newer;
}

static void order_link_newest(struct table *table, struct entry *entry) {
    entry->newer = NULL;
    entry->older = table->newest;
    *(table->newest ? &table->newest->newer : &table->oldest) = entry;
    table->newest = entry;
}

bool table_init(struct table *table, uint64_t bytes_max) {
    *table = (struct table){.chain_count = CHAINS_MIN, .bytes_max = bytes_max};
    table->chains = calloc(CHAINS_MIN, sizeof *table->chains);
    return table->chains != NULL;
}

// Without memory the table stays as it is: its chains get longer, nothing is lost.
static void table_resize(struct table *table, uint32_t chain_count) {
    struct entry **chains = calloc(chain_count, sizeof *chains);
    if (!chains)
        return;
    free(table->chains);
    table->chains = chains;
    table->chain_count = chain_count;
    table->sweep_next = 0;
    for (struct entry *entry = table->newest; entry; entry = entry->older) {
        struct entry **chain = table_chain(table, entry->hash);
        entry->next = *chain;
        *chain = entry;
    }
}

static void table_fit(struct table *table) {
    if (table->entry_count > table->chain_count)
        table_resize(table, table->chain_count * 2);
    else if (table->chain_count > CHAINS_MIN && table->entry_count < table->chain_count / 8)
        table_resize(table, table->chain_count / 2);
}

struct entry *table_take_all(struct table *table) {
    struct entry *first = NULL;
    for (struct entry *entry = table->newest; entry; entry = entry->older) {
        entry->next = first;
        first = entry;
    }
    memset(table->chains, 0, table->chain_count * sizeof *table->chains);
    table->newest = NULL;
    table->oldest = NULL;
    table->entry_count = 0;
    table->bytes = 0;
    table_resize(table, CHAINS_MIN);
    return first;
}

void table_destroy(struct table *table) {
    free(table->chains);
}

void table_remove(struct table *table, struct entry *entry) {
    struct entry **link = table_chain(table, entry->hash);
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    order_unlink(table, entry);
    table->bytes -= entry_cost(entry);
    table->entry_count--;
    entry->next = table->dead;
    table->dead = entry;
    table_fit(table);
}

struct entry *table_find(struct table *table, const struct key *key, uint64_t now_ms) {
    struct entry *entry = *table_chain(table, key->hash);
    while (entry && (entry->hash != key->hash || entry->key_bytes != key->bytes ||
                     memcmp(entry->key, key->text, key->bytes) != 0))
        entry = entry->next;
    if (!entry)
        return NULL;
    if (entry_expired(entry, now_ms)) {
        table->expired++;
        table_remove(table, entry);
        return NULL;
    }
    order_unlink(table, entry);
    order_link_newest(table, entry);
    return entry;
}

void table_insert(struct table *table, struct entry *entry) {
    struct entry **chain = table_chain(table, entry->hash);
    entry->next = *chain;
    *chain = entry;
    order_link_newest(table, entry);
    table->bytes += entry_cost(entry);
    table->entry_count++;
    table_fit(table);
}

struct value *table_replace(struct table *table, struct entry *entry, struct value *value,
                            uint64_t expires_ms) {
    struct value *former = entry->value;
    table->bytes -= entry_cost(entry);
    entry->value = value;
    entry->expires_ms = expires_ms;
    table->bytes += entry_cost(entry);
    return former;
}

bool table_append(struct table *table, struct entry *entry, const unsigned char *data,
                  uint32_t bytes) {
    uint64_t cost = entry_cost(entry);
    struct value *value = value_append(entry->value, data, bytes);
    if (!value)
        return false;
    entry->value = value;
    table->bytes += entry_cost(entry) - cost;
    return true;
}

void table_evict(struct table *table) {
    while (table->bytes > table->bytes_max && table->entry_count > 1) {
        table->evicted++;
        table_remove(table, table->oldest);
    }
}

void table_sweep(struct table *table, uint32_t chains, uint64_t now_ms) {
    for (uint32_t i = 0; i < chains; i++) {
        uint32_t index = table->sweep_next++ & (table->chain_count - 1);
        struct entry *entry = table->chains[index];
        while (entry) {
            struct entry *next = entry->next;
            if (entry_expired(entry, now_ms)) {
                table->expired++;
                table_remove(table, entry);
            }
            entry = next;
        }
    }
}

struct entry *table_take_dead(struct table *table) {
    struct entry *dead = table->dead;
    table->dead = NULL;
    return dead;
}
