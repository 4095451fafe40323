// page/meta.h - the store of tidemalloc's own records: out of reach of every user pointer.
//
// Records live in mappings of their own between inaccessible pages, never in or beside user memory,
// never taken from malloc. A pool hands out records of one type; what was once a record of a type
// is one for ever, so a late reader finds something sane. Memory of the store is never given back;
// records are reused. It opts out of transparent huge pages, which would make resident what nobody
// touched.
// Lock: RANK_META inside every function; below all that are held here, so any floor may call under
// its own.
#pragma once
#include "base/base.h"

// First field of every pooled record. Written by the store only, while the record is free.
struct meta_link {
    struct meta_link *next;
};

struct meta_pool {
    uint32_t          record_bytes;  // constant; a multiple of 16
    uint32_t          step;          // bytes that are cut next; 0 = none were yet
    struct meta_link *free;          // records given back
    char             *fresh;         // never handed out yet
    char             *fresh_end;
};

// Head of every chunk of the store, newest first; constant once linked. For readers from outside.
struct meta_chunk {
    struct meta_chunk *next;
    size_t             bytes;  // from here on, between the guard pages
};

// A chunk that is not in use yet. Written under the store's lock.
struct meta_reserve {
    char  *base;   // of the guard page in front; NULL = none
    size_t bytes;  // between the guard pages
    bool   is_committed;
};

// Where the store's own figures stand, for a reader of this process's memory (entry/inspect.h).
struct meta_sight {
    struct meta_chunk *const  *chunks;
    const struct meta_reserve *next;
    const size_t              *used_bytes;
};
extern const struct meta_sight meta_sight;

#define META_POOL(type) {.record_bytes = (sizeof(type) + 15) & ~(size_t)15}

// A record: zero when it is new, as it was given back otherwise. NULL: no memory.
void *meta_take(struct meta_pool *pool);
void  meta_give(struct meta_pool *pool, void *record);
// `bytes` of zero memory at a cache line (at a multiple of 4 KiB from 4 KiB up), for ever;
// untouched pages cost nothing. NULL: no memory.
void *meta_forever(size_t bytes);
// As meta_forever for a large area of which the owner counts the touched part itself (the figure
// metadata_bytes).
void *meta_area(size_t bytes);
// Bytes handed out so far, areas not counted (an upper bound of what is resident). Any thread.
size_t meta_bytes(void);

// For fork: takes / releases / resets the store's lock.
void meta_fork_prepare(void);
void meta_fork_parent(void);
void meta_fork_child(void);
