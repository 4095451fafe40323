// heap/stock.h - slots that a hardened process took out of its slabs and has not handed out yet.
//
// A slab gives a batch, chosen by chance (heap/slab.h), under one lock of its bin. From here they
// go out one by one, again by chance: which is next is drawn beforehand, so that it is on its way
// from memory when it is asked for. Small slots that have waited (heap/quarantine.h) come straight
// back here, where there is room. So that chance has a choice, a class of those is filled up
// before it has fewer than STOCK_LEAST; of larger ones only as many stand here as come at once.
// To its slab a slot that stands here is a taken one, and its mark (SLOT_FRESH or SLOT_FREED) says
// that it is no block. There are a few parts, chosen by processor; who finds one locked goes on to
// the next.
// Lock: RANK_STOCK, one a part, around what stands here only; the slots are not touched.
#pragma once
#include "base/size_class.h"

enum {
    STOCK_SLOTS = 128,
    STOCK_LEAST = 64,
    STOCK_BATCH = 32,    // slots that a slab is asked for, beyond what is missing
    STOCK_BYTES = 8192,  // and no more than that of large ones
    STOCK_SMALL = 256,   // bytes; the largest slots that come back here
};

ALWAYS_INLINE bool stock_keeps(class_id id) {
    return class_bytes(id) <= STOCK_BYTES / 2;
}
ALWAYS_INLINE bool stock_wants(class_id id) {
    return class_bytes(id) <= STOCK_SMALL;
}

// A slot of the class, or NULL: there is none that may go. `*missing`: then, how many to take of
// the bins and put, at most STOCK_LEAST + STOCK_BATCH.
void *stock_take(class_id id, uint32_t *missing);
// Where the bins have none: any slot, or NULL.
void *stock_take_last(class_id id);
// Puts slots in, the last is to be handed out first where nothing is left to chance; answers how
// many from the first on: not all where others came before, and none where there is no memory for
// the arrays.
uint32_t stock_put(class_id id, void **slots, uint32_t count);
// Takes up to STOCK_BATCH that some part has of the class; 0: nobody has any.
uint32_t stock_drain(class_id id, void **slots);
// Calls `look` for every slot that stands here, under the lock of its part.
void stock_each(void (*look)(void *slot));
// Slots of a class that stand here.
uint64_t stock_count(class_id id);
// Traps unless every part is within its arrays, and no slot stands in it twice.
void stock_check(void);

void stock_fork_prepare(void);
void stock_fork_parent(void);
void stock_fork_child(void);
