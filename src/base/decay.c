// base/decay.c - the curve of decay.h in fixed point.
#include "base/decay.h"

// Share, in 1/65536, of a batch that may stay when it is `age` steps old: 1 - (3x^2 - 2x^3) with
// x = age / DECAY_STEPS.
static uint64_t share(uint64_t age) {
    const uint64_t n = DECAY_STEPS;
    return 65536 - 65536 * age * age * (3 * n - 2 * age) / (n * n * n);
}

static void shift(struct decay *decay, uint64_t steps) {
    for (uint64_t i = DECAY_STEPS; i-- > 0;)
        decay->bytes[i] = i >= steps ? decay->bytes[i - steps] : 0;
}

static void advance(struct decay *decay, uint64_t now_ns) {
    uint64_t step_ns = decay->period_ns / DECAY_STEPS;
    if (now_ns <= decay->step_start_ns || step_ns == 0)
        return;
    uint64_t steps = (now_ns - decay->step_start_ns) / step_ns;
    if (steps == 0)
        return;
    decay->step_start_ns += steps * step_ns;
    shift(decay, steps);
}

void decay_init(struct decay *decay, uint64_t period_ns, uint64_t now_ns) {
    decay->period_ns = period_ns;
    decay->step_start_ns = now_ns;
    for (unsigned i = 0; i < DECAY_STEPS; i++)
        decay->bytes[i] = 0;
}

void decay_add(struct decay *decay, uint64_t bytes, uint64_t now_ns) {
    advance(decay, now_ns);
    decay->bytes[0] += bytes;
}

uint64_t decay_limit(struct decay *decay, uint64_t now_ns) {
    if (decay->period_ns < DECAY_STEPS)
        return 0;
    advance(decay, now_ns);
    uint64_t limit = 0;
    for (unsigned i = 0; i < DECAY_STEPS; i++)
        limit += (uint64_t)((unsigned __int128)decay->bytes[i] * share(i) >> 16);
    return limit;
}
