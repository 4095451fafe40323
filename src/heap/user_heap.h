// heap/user_heap.h - a set of blocks that dies as a whole: own bins over an arena's page heap.
//
// No cache stands in front: its slabs carry CLASS_HEAP_SLAB in the page map, so the fast free
// leaves them alone, and every small block comes and goes under the lock of its bin. The slabs of a
// heap stand in the lists of its bins, its large and huge blocks in its own: destroy walks these.
// Records of heaps are type-stable and reused. The program never has their address: what it calls
// its heap by is a handle, a number that leads to the record, with the count of heaps that the
// record has been. So a handle is proved by a look-up, whatever it is: a block, a stack address, or
// that of a heap which is gone and whose record serves another.
// Locks: RANK_USER_HEAPS (list of heaps), RANK_USER_HEAP (one heap's large and huge blocks),
// RANK_USER_BIN (its slabs).
#pragma once
#include "heap/bin.h"
#include "heap/block.h"

struct user_heap {
    struct meta_link link;
    uint32_t         number;  // constant from the record's first heap on; from 1
    bool             open;    // no destroy has begun; exchanged by the one that does
    uintptr_t        handle;  // this heap's; written before the program has it
    struct list      node;    // in the list of heaps
    struct lock      lock;    // RANK_USER_HEAP: spans
    struct list      spans;   // large and huge ones, by span.owned
    uint64_t         bytes;   // in large and huge blocks
    struct bin       bins[SMALL_CLASS_LAST + 1];
};

// In a signal handler that came while its thread had a lock in hand there are no new heaps, none is
// visited, destroyed or counted.
//
// NULL: no memory.
struct user_heap *user_heap_new(void);
// The heap behind a handle; fatal, with a line that names `function`, when there is none.
struct user_heap *user_heap_prove(const char *function, const void *handle);
// `bytes` up to PTRDIFF_MAX. NULL: no memory. Not zeroed.
void *user_heap_take(struct user_heap *heap, size_t bytes);
// The heap a live block belongs to, or NULL.
struct user_heap *user_heap_of(const struct block *block);
// A live block of a user's heap; fatal with a line naming `function` when a slot is free already.
void user_heap_give(const char *function, struct block *block);
// Large and huge blocks changed by a resize: `before` usable bytes became span->bytes.
void user_heap_note_resize(struct span *span, size_t before);
// Visits every slab, then every large and huge block. No other thread may use the heap.
void user_heap_each(struct user_heap *heap, void (*visit_slab)(struct slab *slab),
                    void (*visit_whole)(struct span *span));
// Visits every slab of every heap, under the locks of the list and of the slab's bin: neither ends
// meanwhile.
void user_heap_each_slab(void (*visit)(struct slab *slab));
// The beginning of the end: no handle leads to it any more, it is in no list, and its large and
// huge blocks are claimed. False: a signal handler, as above. Fatal when another thread destroys
// it, too, or frees such a block of it at this moment.
bool user_heap_close(struct user_heap *heap);
// The rest of it. No other thread may use the heap or its blocks.
void user_heap_end(struct user_heap *heap);
// Both.
void user_heap_destroy(struct user_heap *heap);
// Adds the figures of all heaps.
void user_heap_count(struct counters *totals);

// Slots taken in all heaps and their slabs. False: none.
bool user_heap_slots(uint64_t *slots, uint64_t *slabs);

// Where the list stands, for a reader of this process's memory (entry/inspect.h).
struct user_heap_sight {
    const struct list *heaps;  // of user_heap.node
};
extern const struct user_heap_sight user_heap_sight;

void user_heap_fork_prepare(void);
void user_heap_fork_parent(void);
void user_heap_fork_child(void);
