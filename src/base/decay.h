// base/decay.h - how many free bytes may still stay resident: arithmetic only.
//
// Time is cut into DECAY_STEPS steps per period. decay_add records that bytes became unused in the
// current step; decay_limit answers how many of all recorded bytes may stay: each batch drains
// along a smooth curve (3x^2 - 2x^3) from all of it to nothing over one period. The clock is an
// argument, so the curve is tested with invented time. No lock: the owner's covers it.
#pragma once
#include "base/base.h"

enum { DECAY_STEPS = 32 };

struct decay {
    uint64_t period_ns;            // 0 = nothing may stay; constant
    uint64_t step_start_ns;        // start of the current step
    uint64_t bytes[DECAY_STEPS];   // bytes[0] = added in the current step, [i] = i steps ago
};

void decay_init(struct decay *decay, uint64_t period_ns, uint64_t now_ns);
// `now_ns` that runs backwards counts as no time passed.
void decay_add(struct decay *decay, uint64_t bytes, uint64_t now_ns);
uint64_t decay_limit(struct decay *decay, uint64_t now_ns);
