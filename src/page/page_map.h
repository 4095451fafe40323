// page/page_map.h - granule of address space -> class byte and span; read without a lock.
//
//   address  63..48   47..32          31..16            15..0
//            high     root index      granule in leaf   inside the granule
//
//   page_map.leaf_at[65536] -> leaf: class byte [65536], span pointer [65536]    one leaf for 4 GiB
//   high_root[512]          -> a root of their own for the addresses of each 2^48 bytes above
//                              (57-bit kernels, only for programs that ask)
//
// Root and leaves start as zero pages, so an empty map costs no relocation and no write, and
// CLASS_NONE (0) means "not ours". A root entry is the distance of its leaf from the bytes of
// `page_map.nothing`, those of a leaf that has nothing: where no leaf was made the distance is 0,
// and the fast path reads CLASS_NONE there without a test. Leaves are never removed: a reader needs
// no protection.
// Publication: a class byte and a span pointer are stored before the first pointer into the granule
// leaves the allocator; whoever frees that pointer got it through the program's own
// synchronisation, so relaxed loads see them. A leaf pointer is stored with release after the leaf
// was mapped; its reader's load depends on it. Writers of one granule are serialised by the lock of
// the granule's owner (page heap, huge); who gives or resizes a block of its own claims its first
// granule before, so that there is one.
#pragma once
#include "base/size_class.h"

struct span;

enum {
    PAGE_LEAF_SHIFT = 32,
    PAGE_LEAF_GRANULES = 1 << (PAGE_LEAF_SHIFT - GRANULE_SHIFT),
    PAGE_ROOT_ENTRIES = 1 << 16,
    PAGE_HIGH_ENTRIES = 1 << 9,
};

struct page_leaf {
    class_id     class_of[PAGE_LEAF_GRANULES];
    struct span *span_of[PAGE_LEAF_GRANULES];
};

struct page_map {
    uintptr_t leaf_at[PAGE_ROOT_ENTRIES];   // address of the leaf, less that of `nothing`
    class_id  nothing[PAGE_LEAF_GRANULES];  // all CLASS_NONE; never written
};
extern struct page_map page_map;

// The leaf of an address from 2^48 up, or NULL.
COLD struct page_leaf *page_map_high_leaf(uintptr_t address);

ALWAYS_INLINE size_t page_leaf_index(uintptr_t address) {
    return (uint16_t)(address >> GRANULE_SHIFT);
}
// NULL when nothing of ours lies in the 4 GiB around the address. Any value may be asked.
ALWAYS_INLINE struct page_leaf *page_map_leaf(uintptr_t address) {
    size_t index = address >> PAGE_LEAF_SHIFT;
    if (UNLIKELY(index >= PAGE_ROOT_ENTRIES))
        return page_map_high_leaf(address);
    uintptr_t distance = PEEK(&page_map.leaf_at[index]);
    return distance ? (struct page_leaf *)((uintptr_t)page_map.nothing + distance) : NULL;
}
// `index` is the address's place in the root, or too large for it. False: too large. Else the class
// byte, for the fast path: as an index that has its full width at once.
ALWAYS_INLINE bool page_map_class_below(uintptr_t index, uintptr_t address, size_t *id) {
    if (UNLIKELY(index >= PAGE_ROOT_ENTRIES))
        return false;
    const struct page_map *map = (const struct page_map *)OPAQUE((uintptr_t)&page_map);
    map = (const struct page_map *)((uintptr_t)map + GLANCE(&map->leaf_at[index]));
    *id = GLANCE(&map->nothing[(uint32_t)address >> GRANULE_SHIFT]);
    return true;
}
// False: from 2^48 up. For who goes on to look at the granule's span, which shares the index.
ALWAYS_INLINE bool page_map_class_fast(uintptr_t address, size_t *id) {
    return page_map_class_below(address >> PAGE_LEAF_SHIFT, address, id);
}
// False: no multiple of SIZE_GRAIN, or from 2^48 up. One test sees both, for the bits that have to
// be zero are turned to the upper end.
ALWAYS_INLINE bool page_map_class_slot(uintptr_t address, size_t *id) {
    enum { TURN = 4, BITS = 64 };
    _Static_assert(SIZE_GRAIN == 1 << TURN, "the bits that a slot's address does not have");
    uintptr_t turned = address >> TURN | address << (BITS - TURN);
    return page_map_class_below(turned >> (PAGE_LEAF_SHIFT - TURN), address, id);
}
ALWAYS_INLINE class_id page_map_class(uintptr_t address) {
    struct page_leaf *leaf = page_map_leaf(address);
    return leaf ? PEEK(&leaf->class_of[page_leaf_index(address)]) : (class_id)CLASS_NONE;
}
// Meaningful for: every granule of a slab, the first and last granule of every other span.
// Elsewhere stale.
ALWAYS_INLINE struct span *page_map_span(uintptr_t address) {
    struct page_leaf *leaf = page_map_leaf(address);
    return leaf ? PEEK(&leaf->span_of[page_leaf_index(address)]) : NULL;
}

// The same for a granule known to be ours: its leaf exists.
ALWAYS_INLINE struct span *page_map_known_span(uintptr_t address) {
    return PEEK(&page_map_leaf(address)->span_of[page_leaf_index(address)]);
}

// Makes the leaves for a range, so that the setters below cannot fail. False: no memory, or an
// address beyond 57 bits; the range must then not be used.
bool page_map_prepare(uintptr_t base, size_t granules);
// For the first granule of a block of class `id`: true for the caller who was first, and it is
// CLASS_FREE now. Any granule may be asked for. Relaxed: of two who come at once one gets the
// block, with what its holder wrote as the program hands it on; the other has a line to write.
ALWAYS_INLINE bool page_map_claim(uintptr_t granule, class_id id) {
    struct page_leaf *leaf = page_map_leaf(granule);
    return leaf && __atomic_compare_exchange_n(&leaf->class_of[page_leaf_index(granule)], &id,
                                               (class_id)CLASS_FREE, false, __ATOMIC_RELAXED,
                                               __ATOMIC_RELAXED);
}
// The range must be prepared.
void page_map_set_class(uintptr_t base, size_t granules, class_id id);
void page_map_set_span(uintptr_t granule, struct span *span);
// Visits every granule of ours that has a class byte (at that moment), in the order of addresses.
void page_map_each(void (*visit)(uintptr_t granule, class_id id));
// Leaves made so far: each maps 576 KiB, of which only the touched pages are resident.
size_t page_map_leaves(void);

// Where the figure stands, for a reader of this process's memory (entry/inspect.h); the map itself
// is `page_map`.
struct page_map_sight {
    const size_t *leaf_count;
};
extern const struct page_map_sight page_map_sight;

void page_map_fork_prepare(void);
void page_map_fork_parent(void);
void page_map_fork_child(void);
