// local/stock.h - the thread's cache as hardened processes use it: out of sight of the fast paths,
// a stock out of which slots are drawn by chance.
//
// The root's `pops` is the empty cache for ever there, and no class byte of a slab is one that a
// push knows, so every call comes to the slow path; what it takes comes from here. A slab gives a
// batch, chosen by chance (heap/slab.h), under one lock of its bin. What comes is mixed with what
// is there: the one on top, which goes next, is any of all, and is on its way from memory when it
// is asked for. Slots that have waited (heap/quarantine.h) come straight back here, where there is
// room. So that chance has a choice, a class of small ones is filled up before it has fewer than
// STOCK_LEAST; of larger ones a few batches stand here. A slot that stands here has the mark of one
// that is no block (SLOT_FRESH or SLOT_FREED). Budgets, trims, ends of threads and forks are those
// of any cache.
// The calling thread only, and no handler that came amid a slow path of its own.
#pragma once
#include "heap/quarantine.h"
#include "local/thread.h"

enum {
    STOCK_SLOTS = 126,   // room, of a class of small slots: its array is 128 words
    STOCK_LEAST = 64,
    STOCK_BATCH = 32,    // slots that a slab is asked for, beyond what is missing
    STOCK_BYTES = 8192,  // and no more than that of large ones
    STOCK_BATCHES = 4,   // of those: how many there is room for
    STOCK_SMALL = 1024,  // bytes; the largest slots of which there are many
    STOCK_READY = STOCK_BYTES / 2 - sizeof(uint64_t),  // bytes of a block, with its canary
};

// A slot of the class. NULL: no memory.
void *stock_take(class_id id);
struct stock_block {
    void *start;
    bool  is_zero;  // it reads as zero
};
// A block of at most STOCK_READY bytes, if there are slots enough. NULL, and nothing done: there
// are not, or the thread has no cache. Keeps errno.
HOT struct stock_block stock_take_ready(size_t bytes);
// Frees a live small block of the arenas; fatal, with a line that names `function`, when it was
// misused. False, and nothing done: it is anything else. Keeps errno. The thread is inside nothing
// (thread_is_inside).
HOT bool stock_give_ready(const char *function, void *pointer);
// What the thread's front holds goes to the quarantine, or to its slabs. False: that is nothing.
bool stock_flush(void);
// What left the quarantine for a slot of this thread, if anything did: what there is room for stays
// here, the rest goes to its slabs. Keeps errno.
void stock_put(struct quarantine_leavers *leavers);
