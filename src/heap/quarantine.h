// heap/quarantine.h - where the freed slots of a hardened process wait before they are used again.
//
//   freed slot -> random part: takes the place of one of RANDOM_SLOTS, which goes on. Small slots
//                 did so in the thread's front (local/front.h), and come here in groups
//              -> queue: first in, first out, within TIDE_QUARANTINE bytes
//              -> batch of its class: until there are enough of them to go back together
//              -> its slab
//
// A slot that waits is a taken one to its slab, and SLOT_FREED (heap/slab.h). Who frees does not
// know when, and after which other frees, the slot is handed out again. There are a few parts, each
// with its share of the bytes, chosen by processor, so that threads seldom meet; nothing here
// touches the slots themselves.
// Lock: RANK_QUARANTINE, one a part, around what stands here only.
#pragma once
#include "base/size_class.h"

enum { QUARANTINE_LEAVERS = 32, QUARANTINE_BATCH_BYTES = 8192 };

// Slots of one class.
struct quarantine_leavers {
    class_id id;
    bool     more;  // there may be others: quarantine_leave_due
    uint32_t count;
    void    *slots[QUARANTINE_LEAVERS];
};

ALWAYS_INLINE void quarantine_none_leave(struct quarantine_leavers *leavers) {
    leavers->count = 0;
    leavers->more = false;
}

// A slot and its class in one word: no address of ours has a bit from 57 on (page/page_map.h).
enum { QUARANTINE_CLASS_SHIFT = 57 };
ALWAYS_INLINE uintptr_t quarantine_word(void *slot, class_id id) {
    return (uintptr_t)slot | (uintptr_t)id << QUARANTINE_CLASS_SHIFT;
}
ALWAYS_INLINE void *quarantine_slot(uintptr_t word) {
    return (void *)(word & (((uintptr_t)1 << QUARANTINE_CLASS_SHIFT) - 1));
}
ALWAYS_INLINE class_id quarantine_class(uintptr_t word) {
    return (class_id)(word >> QUARANTINE_CLASS_SHIFT);
}

// Slots up to so many bytes may come by a thread's front (local/front.h); constant after start.
enum { QUARANTINE_FRONT_MOST = 1024 };
extern size_t quarantine_front_most;

// Once, before the first free. `bytes` of all parts together; 0: nothing waits.
void quarantine_start(size_t bytes);
// Puts a slot in. What leaves for it is the caller's to give back. Where nothing waits the slot
// itself leaves. Keeps errno.
HOT void quarantine_put(void *slot, class_id id, struct quarantine_leavers *leavers);
// Puts `*count` words in, from the last one on, until some leave for them: those are the caller's.
// `*count`: how many are left. Keeps errno. To a fork a word is where it was, or in. `may_grow`: a
// part that has no store yet gets one; else, as where memory is short, each leaves at once there.
void quarantine_pass(uintptr_t *words, uint32_t *count, bool may_grow,
                     struct quarantine_leavers *leavers);
// What is due in any part, a full batch; or whatever waits. None: that was all.
void quarantine_leave_due(struct quarantine_leavers *leavers);
void quarantine_leave_all(struct quarantine_leavers *leavers);
// A batch that is not full yet, of slots that have waited; none: there are no such.
void quarantine_leave_batch(struct quarantine_leavers *leavers);
// Calls `look` for every slot that waits, under the lock of its part.
void quarantine_each(void (*look)(void *slot));
// Bytes that wait, but for those in batches.
size_t quarantine_bytes(void);
// Slots of a class, those in batches included: a figure of a moment.
uint64_t quarantine_count(class_id id);
// Traps unless the sums are right.
void quarantine_check(void);

void quarantine_fork_prepare(void);
void quarantine_fork_parent(void);
void quarantine_fork_child(void);
