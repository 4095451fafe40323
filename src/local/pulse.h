// local/pulse.h - which allocation is sampled next: one in N, or one in so many bytes (TIDE_GUARD).
//
// Between samples nothing is counted. For each class of a thread a number is drawn: so many slots
// its cache will be handed until the next sample. The batch before it is cut short, so that the
// stack is empty when it is due and the call comes to the slow path, which knows it.
// What a cache gets back by frees and hands out again is not counted: a class that never comes to
// the slow path has no sample. Where the rate is high, or caches are off, every call comes here.
// The numbers are drawn from an exponential distribution, so that no period of the program meets
// one of ours, and the samples of all classes together are one in N again.
#pragma once
#include "conf/options.h"

// Rates as high as one in so many, or one in so many bytes, count every call.
enum { PULSE_EVERY_CALL = 64, PULSE_EVERY_CALL_BYTES = 16384 };
// A sample, with the free of its block, costs about 12 us.
enum { PULSE_NS = 2000000, PULSE_BURST = 8 };

// True: some allocations are sampled.
ALWAYS_INLINE bool pulse_is_on(void) {
    return UNLIKELY(option(OPT_GUARD) != 0);
}
// True: caches are to be off, so that every call counts.
bool pulse_counts_calls(void);
// Which of the coming allocations of so many bytes is the next sample: 1 = the first of them.
uint32_t pulse_draw(size_t bytes);
// True: this very allocation, of which none before was counted, is one.
bool pulse_strikes(size_t bytes);
// True: so many samples of a thread came so shortly before now that one more would cost the thread
// more than a hundredth of its time; it is left out. `now_ns` is the time that the thread ran so
// far; `*due_ns` is the thread's own, 0 at its start: when samples one in PULSE_NS each would be
// due, less a burst. Never where every call counts.
bool pulse_is_early(uint64_t *due_ns, uint64_t now_ns);
// Where the numbers start.
void pulse_start(uint64_t seed);
