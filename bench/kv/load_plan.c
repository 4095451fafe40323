// bench/kv/load_plan.c - which request comes next on a connection, and what its reply must be.
#include "load_plan.h"

enum {
    TTL_ONE_IN = 16,  // of the SETs on shared keys
    TTL_MAX_MS = 2000,
    APPEND_MAX = 512,  // bytes at a time
};

void plan_init(struct plan *plan, uint32_t connection, uint32_t connection_count,
               uint32_t shared_keys, uint64_t seed) {
    *plan = (struct plan){
        .random = {seed ^ (connection + 1) * 0x9e3779b97f4a7c15u},
        .connection = connection,
        .connection_count = connection_count,
        .shared_keys = shared_keys,
    };
}

void plan_begin(struct plan *plan) {
    plan->shared_next = plan->connection;
    plan->own_next = 0;
}

// Low numbers are asked for far more often than high ones.
static uint32_t shared_pick(struct plan *plan) {
    uint64_t u = random_next(&plan->random) >> 40;
    uint64_t cubed = (((u * u) >> 24) * u) >> 24;
    return (uint32_t)((cubed * plan->shared_keys) >> 24);
}

static void planned_begin(struct planned *planned, enum kv_op op, enum key_kind kind,
                          uint32_t key) {
    *planned = (struct planned){
        .expected = {.op = op, .kind = kind, .key = key},
        .header = {.op = (uint8_t)op, .key_bytes = KEY_BYTES},
    };
}

static void plan_shared_set(struct plan *plan, struct planned *planned, uint32_t key) {
    planned_begin(planned, KV_SET, KEY_SHARED, key);
    planned->expected.place = content_place(&plan->random);
    planned->expected.bytes = content_size(&plan->random);
    planned->header.body_bytes = planned->expected.bytes;
}

static void plan_shared(struct plan *plan, struct planned *planned, uint32_t dice) {
    uint32_t key = shared_pick(plan);
    if (dice < 62) {
        planned_begin(planned, KV_GET, KEY_SHARED, key);
    } else if (dice < 93) {
        plan_shared_set(plan, planned, key);
        if (random_below(&plan->random, TTL_ONE_IN) == 0)
            planned->header.ttl_ms = 1 + random_below(&plan->random, TTL_MAX_MS);
    } else {
        planned_begin(planned, KV_DEL, KEY_SHARED, key);
    }
}

static void plan_mget(struct plan *plan, struct planned *planned) {
    planned_begin(planned, KV_MGET, KEY_SHARED, 0);
    planned->header.key_bytes = 0;
    planned->expected.mget_count = 2 + random_below(&plan->random, MGET_KEYS - 1);
    planned->header.body_bytes = planned->expected.mget_count * (2 + KEY_BYTES);
    for (uint32_t i = 0; i < planned->expected.mget_count; i++)
        planned->expected.mget_keys[i] = shared_pick(plan);
}

static void plan_increment(struct plan *plan, struct planned *planned) {
    uint32_t key = random_below(&plan->random, OWN_COUNTERS);
    planned_begin(planned, KV_INCR, KEY_COUNTER, key);
    planned->header.body_bytes = sizeof(int64_t);
    plan->counters[key]++;
    planned->expected.number = plan->counters[key];
}

static void plan_own_set(struct plan *plan, struct planned *planned, struct own_value *own) {
    planned->header.op = KV_SET;
    planned->expected.op = KV_SET;
    *own = (struct own_value){true, content_place(&plan->random), content_size(&plan->random)};
    planned->header.body_bytes = own->bytes;
}

// A value grows by the bytes that follow it in the pool.
static void plan_own_append(struct plan *plan, struct planned *planned, struct own_value *own) {
    uint32_t bytes = 1 + random_below(&plan->random, APPEND_MAX);
    if (!own->present)
        *own = (struct own_value){true, content_place(&plan->random), 0};
    if (own->bytes + bytes > KV_VALUE_MAX) {
        plan_own_set(plan, planned, own);
        return;
    }
    own->bytes += bytes;
    planned->header.body_bytes = bytes;
}

static void plan_own(struct plan *plan, struct planned *planned, enum kv_op op) {
    uint32_t key = random_below(&plan->random, OWN_KEYS);
    struct own_value *own = &plan->own[key];
    planned_begin(planned, op, KEY_OWN, key);
    if (op == KV_SET)
        plan_own_set(plan, planned, own);
    else if (op == KV_APPEND)
        plan_own_append(plan, planned, own);
    planned->expected.present = own->present;
    planned->expected.place = own->place;
    planned->expected.bytes = own->bytes;
    if (op == KV_DEL)
        own->present = false;
}

static void plan_mix(struct plan *plan, struct planned *planned) {
    uint32_t dice = random_below(&plan->random, 100);
    if (dice < 70)
        plan_shared(plan, planned, random_below(&plan->random, 100));
    else if (dice < 74)
        plan_mget(plan, planned);
    else if (dice < 78)
        plan_increment(plan, planned);
    else if (dice < 86)
        plan_own(plan, planned, KV_APPEND);
    else if (dice < 91)
        plan_own(plan, planned, KV_SET);
    else if (dice < 93)
        plan_own(plan, planned, KV_DEL);
    else
        plan_own(plan, planned, KV_GET);
}

static bool plan_fill(struct plan *plan, struct planned *planned) {
    if (plan->shared_next >= plan->shared_keys)
        return false;
    plan_shared_set(plan, planned, plan->shared_next);
    plan->shared_next += plan->connection_count;
    return true;
}

static bool plan_clear(struct plan *plan, struct planned *planned) {
    uint32_t own = plan->own_next;
    if (plan->shared_next < plan->shared_keys) {
        planned_begin(planned, KV_DEL, KEY_SHARED, plan->shared_next);
        plan->shared_next += plan->connection_count;
        return true;
    }
    if (own >= OWN_KEYS + OWN_COUNTERS)
        return false;
    plan->own_next++;
    if (own < OWN_KEYS) {
        planned_begin(planned, KV_DEL, KEY_OWN, own);
        planned->expected.present = plan->own[own].present;
        plan->own[own].present = false;
    } else {
        own -= OWN_KEYS;
        planned_begin(planned, KV_DEL, KEY_COUNTER, own);
        planned->expected.present = plan->counters[own] != 0;
        plan->counters[own] = 0;
    }
    return true;
}

bool plan_next(struct plan *plan, enum phase phase, struct planned *planned) {
    switch (phase) {
    case PHASE_FILL: return plan_fill(plan, planned);
    case PHASE_MIX: plan_mix(plan, planned); return true;
    case PHASE_CLEAR: return plan_clear(plan, planned);
    }
    return false;
}

size_t plan_size(const struct planned *planned) {
    return KV_REQUEST_BYTES + (size_t)planned->header.key_bytes + planned->header.body_bytes;
}

static void write_key(const struct plan *plan, const struct expected *expected, unsigned char *to) {
    switch (expected->kind) {
    case KEY_SHARED: content_key(to, 's', 0, expected->key); break;
    case KEY_OWN: content_key(to, 'o', plan->connection, expected->key); break;
    case KEY_COUNTER: content_key(to, 'c', plan->connection, expected->key); break;
    }
}

static void write_mget(const struct expected *expected, unsigned char *to) {
    for (uint32_t i = 0; i < expected->mget_count; i++) {
        kv_put16(to, KEY_BYTES);
        content_key(to + 2, 's', 0, expected->mget_keys[i]);
        to += 2 + KEY_BYTES;
    }
}

static void write_body(const struct planned *planned, unsigned char *to) {
    const struct expected *expected = &planned->expected;
    uint32_t bytes = planned->header.body_bytes;
    if (expected->op == KV_MGET)
        write_mget(expected, to);
    else if (expected->op == KV_INCR)
        kv_put64(to, 1);
    else if (expected->op == KV_SET && expected->kind == KEY_SHARED)
        content_shared(to, expected->key, expected->place, bytes);
    else if (bytes > 0)  // all of the value, or what APPEND adds at its end
        memcpy(to, content_at(expected->place + expected->bytes - bytes), bytes);
}

void plan_write(const struct plan *plan, const struct planned *planned, unsigned char *to) {
    kv_put_request(to, &planned->header);
    to += KV_REQUEST_BYTES;
    if (planned->header.key_bytes > 0)
        write_key(plan, &planned->expected, to);
    write_body(planned, to + planned->header.key_bytes);
}
