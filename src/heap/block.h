// heap/block.h - a user's pointer becomes a record, and is proved on the way: the only decoder.
//
// Every slow entry that receives a pointer goes through block_find; the fast free trusts the class
// byte alone, and the bins prove its pointers when they come back. Reads no user memory and takes
// no lock: what it says of a live block is exact, what it says of a misused one is told as well as
// one look can.
#pragma once
#include "heap/bin.h"

enum block_kind {
    BLOCK_FOREIGN,   // no memory of ours
    BLOCK_FREE,      // in a free span, or a freed mapping
    BLOCK_SLACK,     // in the tail of a slab, behind its last slot
    BLOCK_INTERIOR,  // inside a block, not at its start
    BLOCK_FREED,     // a slot that is free
    BLOCK_UNGUARDED,  // in the pool of blocks between guard pages, but no live one of them
    BLOCK_SMALL,     // a taken slot (in the program's hands, or in a cache)
    BLOCK_LARGE,
    BLOCK_HUGE,
    BLOCK_GUARDED,   // between guard pages
    BLOCK_EMERGENCY,  // of a signal handler
};

struct block {
    enum block_kind kind;
    class_id        id;      // size class, CLASS_LARGE or CLASS_HUGE; 0 for FOREIGN and FREE
    struct span    *span;    // also of what is inside or after a block; NULL where there is none
    struct slab    *slab;    // of small ones
    uintptr_t       base;    // where the block starts; 0 where unknown
    size_t          usable;  // bytes the program may use; 0 unless the block is live
};

struct block block_find(const void *pointer);
ALWAYS_INLINE bool block_is_live(const struct block *block) {
    return block->kind >= BLOCK_SMALL;
}
// True: the start of a taken slot of an arena, BLOCK_SMALL of class `id`, which is what the page
// map said of the address. False: misuse, or no class of small blocks; block_find tells.
ALWAYS_INLINE bool block_is_small(uintptr_t address, class_id id) {
    if (UNLIKELY(!class_is_small(id)))
        return false;
    struct span *span = page_map_known_span(address);
    if (UNLIKELY(!span || span_kind_of(span) != SPAN_SLAB))
        return false;
    struct slab *slab = span->slab;
    if (UNLIKELY(slab->span != span || slab->id != id))
        return false;
    size_t   offset = address - slab->base;
    uint32_t slot = size_class_slot(id, offset);
    return LIKELY((size_t)slot * class_bytes(id) == offset && slot < slab->slot_count) &&
           LIKELY(!slab_slot_is_free(slab, slot));
}
// A live large or huge block becomes the caller's alone, to be given, moved or resized; whoever
// finds it meanwhile finds it free. `block` is filled in anew. Fatal, with the line for free
// memory, when another thread was first. Blocks of other kinds: nothing.
void block_claim(const char *function, struct block *block);
// One that was claimed is live again, where its span is now.
void block_unclaim(const struct block *block);
// The large or huge block that a span in use is, claimed or not.
struct block block_of_span(struct span *span);
// The line for a pointer that is no live block, and abort. Not for BLOCK_FOREIGN, which is
// entry/foreign's.
NORETURN COLD void block_fail(const char *function, const void *pointer, const struct block *block);
// True when a block that was asked for with this size and alignment, or grew or shrank to it where
// it has a record of its own, looks like `block`. Of a hardened process and between guard pages:
// when it was.
bool block_fits_request(const struct block *block, size_t bytes, size_t alignment);
// Appends "60-byte block (80-byte class)", or (large), (huge): of a hardened process, where what
// was asked for is known.
COLD void block_add_text(struct text_line *line, const struct block *block);
// "free_sized(0x.., 100): size does not match the 64-byte block" and abort.
NORETURN COLD void block_fail_size(const char *function, const void *pointer, size_t bytes,
                                   const struct block *block);
