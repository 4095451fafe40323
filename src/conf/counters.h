// conf/counters.h - the figures of counters.def as a struct; adding and peeking. Never prints.
//
// A struct counters may be owned by one lock (plain additions) or shared (counters_add: relaxed
// atomic, no order implied: a report is a sum of moments, not a snapshot).
#pragma once
#include "base/base.h"

enum counter_id {
#define COUNTER(name, kind, unit, help) COUNTER_##name,
#include "conf/counters.def"
#undef COUNTER
    COUNTER_COUNT,
};

enum counter_kind { COUNTER_LEVEL, COUNTER_TOTAL, COUNTER_PEAK };

struct counter_row {  // texts are arrays: the table needs no relocation
    char              name[24];
    char              help[72];
    enum counter_kind kind;
    bool              is_bytes;
};

struct counters {
    uint64_t value[COUNTER_COUNT];
};

// Any thread.
ALWAYS_INLINE void counters_add(struct counters *counters, enum counter_id id, uint64_t amount) {
    __atomic_fetch_add(&counters->value[id], amount, __ATOMIC_RELAXED);
}
ALWAYS_INLINE void counters_sub(struct counters *counters, enum counter_id id, uint64_t amount) {
    __atomic_fetch_sub(&counters->value[id], amount, __ATOMIC_RELAXED);
}
// Figures of the whole process that no lock owns; every floor above adds to it where batches move.
extern struct counters counters_process;

const struct counter_row *counters_row(enum counter_id id);
