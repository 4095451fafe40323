// bench/kv/load_plan.h - which request comes next on a connection, and what its reply must be.
//
// Three phases: fill writes every shared key once, mix is the measured blend of all operations,
// clear deletes every key the load has made. The plan of a connection also is the model of its own
// keys: nobody else writes them, so every answer about them is known before it is asked for.
#pragma once

#include "kv_protocol.h"
#include "load_content.h"

enum {
    OWN_KEYS = 64,      // values a connection has for itself
    OWN_COUNTERS = 16,  // for INCR
    MGET_KEYS = 8,      // at most, in one MGET
};

enum phase { PHASE_FILL, PHASE_MIX, PHASE_CLEAR };

enum key_kind { KEY_SHARED, KEY_OWN, KEY_COUNTER };

// A request that is under way. For an own key, what it must be worth when the reply is made.
struct expected {
    enum kv_op    op;
    enum key_kind kind;
    uint32_t      key;      // number of the key
    bool          present;  // GET, DEL: there is a value
    uint32_t      place;    // own: the value is this stretch of the pool
    uint32_t      bytes;
    int64_t       number;   // INCR: the result
    uint32_t      mget_count;
    uint32_t      mget_keys[MGET_KEYS];
};

struct own_value {
    bool     present;
    uint32_t place;
    uint32_t bytes;
};

struct plan {
    struct random    random;
    uint32_t         connection;        // number of this one
    uint32_t         connection_count;
    uint32_t         shared_keys;       // of all connections together
    uint32_t         shared_next;       // fill and clear: the next one of our part
    uint32_t         own_next;          // clear
    struct own_value own[OWN_KEYS];
    int64_t          counters[OWN_COUNTERS];
};

// A request as it will be sent; body points into static memory or is to be made by plan_write.
struct planned {
    struct expected          expected;
    struct kv_request_header header;
};

void plan_init(struct plan *plan, uint32_t connection, uint32_t connection_count,
               uint32_t shared_keys, uint64_t seed);
void plan_begin(struct plan *plan);  // before each phase
// Updates the model as if the request were carried out. false: the phase asks for nothing more.
bool plan_next(struct plan *plan, enum phase phase, struct planned *planned);
size_t plan_size(const struct planned *planned);  // bytes plan_write will write
void   plan_write(const struct plan *plan, const struct planned *planned, unsigned char *to);
