// page/span.h - the record of a run of granules with one owner and one kind.
//
// Every granule of a region belongs to exactly one span at any time. The page map points to a span
// from its first and its last granule (a slab: from every granule), which is how neighbours find
// each other.
// Fields are written under the lock of the page heap that owns the span (free spans) or by the one
// holder of the span (spans in use).
#pragma once
#include "base/list.h"
#include "base/tree.h"
#include "page/meta.h"
#include "page/page_map.h"

enum span_kind {
    SPAN_FREE,     // in its page heap's trees
    SPAN_MOVING,   // just taken or split off, being purged or given back: in nobody's trees, not
                   // to be joined
    SPAN_SLAB,
    SPAN_LARGE,
    SPAN_HUGE,     // a mapping of its own: region and pages are NULL
};

enum span_state {
    SPAN_CLEAN,  // reads as zero, costs nothing
    SPAN_DIRTY,  // resident, contents unknown
};

struct span {
    struct meta_link  link;
    uintptr_t         base;      // first byte; granule aligned
    size_t            granules;  // length
    enum span_kind    kind;
    enum span_state   state;     // of a span in use: what it was when it was taken
    struct region    *region;    // its neighbourhood; NULL for huge
    struct page_heap *pages;     // who takes it back; NULL for huge
    union {
        struct tree_node node;   // SPAN_FREE: by (granules, base)
        struct slab     *slab;   // SPAN_SLAB
        size_t           bytes;  // SPAN_LARGE, SPAN_HUGE: usable bytes; whole OS pages
    };
    size_t            resident;  // bytes from the start that may be resident; whole OS pages
    struct list       lru;       // SPAN_FREE and dirty: oldest first; huge and free: the cache;
                                 // SPAN_SLAB: those that wait for their place in the bin's tree
    union {
        uint64_t      freed_ns;   // huge and free: when
        size_t        request;   // SPAN_LARGE, SPAN_HUGE of a hardened process: span_set_request
    };
    union {
        uint32_t      freed_step;  // SPAN_FREE: page_gauge.step when the larger part became so
        uint32_t      joined;    // huge: OS pages from the start that came by fence_carry, and are
                                 // a mapping of their own to the kernel; 0 = none
    };
    uint16_t          guard_before, guard_after;  // huge: unreadable granules around (heap/fence.h)
    struct user_heap *owner;     // in use by a user's heap, or NULL
    struct list       owned;     // that heap's list of spans; SPAN_MOVING: the page heap's
};

// The kind of a span in use is written by its holder and read by neighbours under the page heap's
// lock: relaxed, because the only question a neighbour asks is whether it is SPAN_FREE, which only
// the lock's holder makes true or false.
ALWAYS_INLINE enum span_kind span_kind_of(const struct span *span) {
    return PEEK(&span->kind);
}
// Release: pairs with the acquire in slab_at (heap/hardened_look.c); the slab's record is whole.
ALWAYS_INLINE void span_set_kind(struct span *span, enum span_kind kind) {
    __atomic_store_n(&span->kind, kind, __ATOMIC_RELEASE);
}
ALWAYS_INLINE size_t span_bytes(const struct span *span) {
    return span->granules * GRANULE;
}
ALWAYS_INLINE uintptr_t span_end(const struct span *span) {
    return span->base + span_bytes(span);
}
ALWAYS_INLINE uintptr_t span_last_granule(const struct span *span) {
    return span_end(span) - GRANULE;
}

// What was asked for, in bytes, and by which functions (heap/family.h: two bits); the highest bit
// says that the canary behind that stands, which no time has. Written by the block's holder.
#define SPAN_DRESSED ((size_t)1 << 63)
// Acquire and release: what is written next comes after it, the canary before it, for who looks at
// blocks that others hold (heap/hardened_look.h).
ALWAYS_INLINE void span_set_request(struct span *span, size_t bytes, unsigned family) {
    __atomic_exchange_n(&span->request, SPAN_DRESSED | bytes << 2 | family, __ATOMIC_ACQ_REL);
}
ALWAYS_INLINE void span_end_request(struct span *span) {
    __atomic_exchange_n(&span->request, 0, __ATOMIC_ACQ_REL);
}
ALWAYS_INLINE size_t span_requested(const struct span *span) {
    return (PEEK(&span->request) & ~SPAN_DRESSED) >> 2;
}
ALWAYS_INLINE unsigned span_family(const struct span *span) {
    return PEEK(&span->request) & 3;
}

// Resident bytes of a large or huge block that its holder does not use: left by an earlier one, or
// by a larger size.
ALWAYS_INLINE size_t span_slack(const struct span *span) {
    return span->resident > span->bytes ? span->resident - span->bytes : 0;
}

// A record with its lists unlinked, or NULL: no memory.
struct span *span_new(uintptr_t base, size_t granules, enum span_state state);
void         span_delete(struct span *span);
// Makes the page map's first and last entry point to the span.
void span_publish_ends(struct span *span);
// The same for every granule, with a class byte for all.
void span_publish_all(struct span *span, class_id id);
// First granule `id`, later ones CLASS_INSIDE, ends point to the span: a block of its own.
void span_publish_block(struct span *span, class_id id);
