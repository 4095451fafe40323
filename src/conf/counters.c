// conf/counters.c - names and units of the figures, and the ones of the process.
#include "conf/counters.h"

struct counters counters_process;

static const struct counter_row rows[COUNTER_COUNT] = {
#define UNIT_bytes true
#define UNIT_count false
#define COUNTER(name, kind, unit, help) {#name, help, COUNTER_##kind, UNIT_##unit},
#include "conf/counters.def"
#undef COUNTER
};

const struct counter_row *counters_row(enum counter_id id) {
    return &rows[id];
}
