// heap/quarantine.h - where the freed slots of a hardened process wait before they are used again.
//
//   freed slot -> random part: takes the place of one of RANDOM_SLOTS, which goes on
//              -> queue: first in, first out, within TIDE_QUARANTINE bytes
//              -> its slab
//
// A slot that waits is a taken one to its slab, and SLOT_FREED (heap/slab.h). Who frees does not
// know when, and after which other frees, the slot is handed out again. There are a few parts, each
// with its share of the bytes, chosen by processor, so that threads seldom meet; nothing here
// touches the slots themselves.
// Lock: RANK_QUARANTINE, one a part, around what stands here only.
#pragma once
#include "base/base.h"

enum { QUARANTINE_LEAVERS = 16 };

struct quarantine_leavers {
    unsigned count;
    void    *slots[QUARANTINE_LEAVERS];
};

// Once, before the first free. `bytes` of all parts together; 0: nothing waits.
void quarantine_start(size_t bytes);
// Puts a slot in. What leaves for it is the caller's to give back; when it is as many as there is
// room for, more may be due (quarantine_leave). Where nothing waits the slot itself leaves.
void quarantine_put(void *slot, uint32_t bytes, struct quarantine_leavers *leavers);
// What is due in any part; with `all`, whatever waits. None: that was all.
void quarantine_leave(bool all, struct quarantine_leavers *leavers);
// Calls `look` for every slot that waits, under the lock of its part.
void quarantine_each(void (*look)(void *slot));
// Bytes that wait.
size_t quarantine_bytes(void);
// Traps unless the sums are right.
void quarantine_check(void);

void quarantine_fork_prepare(void);
void quarantine_fork_parent(void);
void quarantine_fork_child(void);
