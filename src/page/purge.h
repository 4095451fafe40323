// page/purge.h - when free resident bytes go back to the kernel, and the going.
//
// Three rules, one gauge for the whole process:
//   budget  free resident bytes stay below max(purge_budget, purge_percent of the bytes in slabs
//           and large blocks; huge ones do not count). In a process of some threads free spans
//           have of purge_budget what free slots and caches leave. Asked at the end of every
//           operation that may have freed spans (arena_settle): the last free of a burst leaves
//           the process bounded, without clock or thread.
//   regret  what was given back and then taken again was given back too early: the budget grows by
//           four times as much, so that few steps find out how far free memory swings. Every second
//           half of that is forgotten, but for what it really swung by in that second, or what of
//           it was used again. So demand that swings pays for its first swing only, and a burst
//           that does not come back leaves nothing. In a process of many threads less than
//           purge_budget is not regretted; what a thread takes first beside others is not missed.
//           And regret only keeps what demand could come back for: with it all that is resident
//           stays below 1.25 x the most that was in use lately (1.5 x of what long spans and huge
//           blocks were), so that what free slots of slabs hold leaves free spans less. When nearly
//           nothing free was used again for half a second, the rest goes within the next.
//   decay   while there is traffic, what nobody used for a while drains along the curve of
//           base/decay.
// Free slots of slabs in use have half such a budget and a regret of their own; it is asked once a
// tick of the decay, and in between for what is several times as much (heap/hollow.h does the
// going). What a request gives back (trim) teaches nothing, and what was given back and not asked
// for within seconds is not missed.
// The system call runs outside all locks, on detached spans that are joined before, many at a time.
#pragma once
#include "base/decay.h"
#include "page/page_heap.h"

struct purge {
    struct page_gauge gauge;      // written by the page heaps
    struct lock       lock;       // taken by try only, and alone; guards the fields below
    struct decay      decay;
    uint64_t          next_ns;    // no tick before; read by anybody
    uint64_t          seen_bytes; // dirty after the last tick
    uint64_t          pause_ns;   // no purge before: the kernel refused one; read by anybody
    uint64_t          regret;     // bytes added to the budget; read by anybody
    uint64_t          regret_ns;  // when it was last halved
    uint64_t          high_bytes, low_bytes;  // of dirty bytes since then, as settles saw them;
                                              // relaxed: hints
    uint64_t          demand_before;  // gauge.demand of the second before; likewise
    bool              pressed;      // the machine is short of memory; relaxed: a hint
    uint64_t          missed_seen;  // of gauge.missed_bytes, what is in `regret` already
    uint64_t          reused_seen;  // gauge.reused_bytes then
    uint64_t          used_seen;    // that and gauge.missed_bytes at look_ns
    uint64_t          look_ns;      // when it was last asked whether some of the regret is of use
    uint64_t          used_ns;      // when it was, or later: regret has faded until then
    uint64_t          hole_regret;  // bytes added to the budget of free slots; read by anybody
    uint64_t          hole_regret_ns;    // when it was last halved
    uint64_t          hole_missed_seen;  // of the bins' missed bytes, what is in it already
};

enum purge_reason {
    PURGE_BUDGET,
    PURGE_DECAY,       // spares what was freed lately: buffers that come and go are there to stay
    PURGE_ON_REQUEST,  // and teaches nothing
};

void purge_init(struct purge *purge, uint64_t decay_ns, uint64_t now_ns);
// While pressed free memory has next to no budget.
void purge_press(struct purge *purge, bool pressed);
bool purge_is_pressed(const struct purge *purge);
// What free memory of one kind may keep resident now: budget and regret. Any thread, no lock held.
uint64_t purge_allowance(struct purge *purge, uint64_t now_ns);
// True: free memory is within budget and regret as they were last learned; asks no clock. For who
// comes often and calls purge_surplus now and then, which also forgets.
bool purge_is_within(struct purge *purge);
// Free resident bytes above the budget; 0 = within. To avoid a system call per freed span the
// surplus includes an eighth of the budget. Any thread, no lock held.
size_t purge_surplus(struct purge *purge, uint64_t now_ns);
// True at most once per 1/32 of the decay time; `*surplus` are the bytes that should go now. False
// also when another thread is at it.
bool purge_tick(struct purge *purge, uint64_t now_ns, size_t *surplus);
// How many bytes of free slots in slabs should go at this tick, when `slack` are resident and
// `missed` were taken again after they went, ever: a part of what is above the budget, or all of it
// (*urgent) when that is several times the budget.
size_t purge_hole_surplus(struct purge *purge, uint64_t slack, uint64_t missed, uint64_t now_ns,
                          bool *urgent);
// Gives about `bytes` of a heap's oldest dirty spans back; returns how many. No lock may be held.
// What the kernel refuses (locked pages) stays dirty, and automatic purging pauses for a second.
size_t purge_heap(struct purge *purge, struct page_heap *heap, size_t bytes,
                  enum purge_reason reason);
