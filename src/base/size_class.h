// base/size_class.h - size <-> class <-> shape of a slab, from the one table in size_class.def.
//
// The class of a granule is one byte in the page map. 0 means "not ours"; 1 .. SMALL_CLASS_LAST are
// the size classes; the rest are kinds of memory that no cache serves. The fast free indexes the
// stacks of its cache with this byte unseen, so every value needs a (permanently full) stack there.
#pragma once
#include "base/bits.h"

enum {
    CLASS_NONE = 0,
    SMALL_CLASS_FIRST = 1,
    SMALL_CLASS_LAST = 80,
    CLASS_FREE = 81,       // a granule of a free span
    CLASS_LARGE = 82,      // the first granule of a large block
    CLASS_HUGE = 83,       // the first granule of a huge block
    CLASS_INSIDE = 84,     // a later granule of a large or huge block
    CLASS_HEAP_SLAB = 85,  // a slab of a user's heap: never cached
    CLASS_COUNT = 86,

    SMALL_MAX = 65536,     // bytes; the largest request served by a slab
    SIZE_GRAIN = 16,       // every slot size is a multiple: the alignment of every block
    SLAB_GRANULES_MAX = 4,
    SLAB_SLOTS_MAX = 4096,
};

typedef uint8_t class_id;

struct size_class {
    uint32_t bytes;       // of a slot; 0 in the rows that are not size classes
    uint16_t slots;       // of a slab
    uint8_t  granules;    // of a slab
    uint64_t reciprocal;  // 2^40 / bytes + 1, for size_class_slot
};

extern const struct size_class size_class_table[CLASS_COUNT];
// Request rounded up to SIZE_GRAIN, in grains -> class.
extern const class_id size_class_of_grains[SMALL_MAX / SIZE_GRAIN + 1];

// `bytes` <= SMALL_MAX; 0 is served as 1.
ALWAYS_INLINE class_id size_class_of(size_t bytes) {
    return size_class_of_grains[(bytes + SIZE_GRAIN - 1) / SIZE_GRAIN];
}
ALWAYS_INLINE bool class_is_small(class_id id) {
    return id >= SMALL_CLASS_FIRST && id <= SMALL_CLASS_LAST;
}
ALWAYS_INLINE uint32_t class_bytes(class_id id) {
    return size_class_table[id].bytes;
}
// offset / slot size without a division. Exact for every offset below 2^18 (a slab is four granules
// at most): the error of the reciprocal is at most `bytes` <= 2^16, and 2^18 * 2^16 < 2^40.
ALWAYS_INLINE size_t size_class_slot_by(uint64_t reciprocal, size_t offset) {
    return (size_t)(((uint64_t)offset * reciprocal) >> 40);
}
ALWAYS_INLINE uint32_t size_class_slot(class_id id, size_t offset) {
    return (uint32_t)size_class_slot_by(size_class_table[id].reciprocal, offset);
}

// The lowest class that serves `bytes` (0 is none) at a multiple of `alignment` (a power of two),
// or CLASS_NONE when no class does. That is the class of the next multiple of the alignment:
// classes up to twice 2^n are 2^m apart and multiples of 2^m, so such a multiple either is a class
// itself (2^m <= alignment), or every class there is a multiple of the alignment. Slabs start at a
// granule, so every slot of such a class is aligned.
ALWAYS_INLINE class_id size_class_aligned(size_t bytes, size_t alignment) {
    size_t last = (bytes - 1) | (alignment - 1);  // the last byte of that multiple
    return LIKELY(last < SMALL_MAX) ? size_class_of_grains[last / SIZE_GRAIN + 1]
                                    : (class_id)CLASS_NONE;
}
