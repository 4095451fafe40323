// heap/block.c - see block.h.
#include "heap/block.h"

#include "conf/options.h"
#include "heap/emergency.h"
#include "heap/guarded.h"
#include "heap/guarded_report.h"
#include "os/fail.h"
#include "os/os.h"

// In a hardened process: what was asked for, and a slot that waits for reuse is none.
static void ask_mark(struct block *block, uint32_t slot) {
    uint16_t mark = PEEK(slab_mark(block->slab, slot));
    if (mark >= SLOT_LIVE) {
        block->usable -= block->kind == BLOCK_SMALL ? slot_rest(mark) : 0;
    } else {
        block->kind = BLOCK_FREED;
        block->usable = 0;
    }
}

static struct block find_in_slab(uintptr_t address) {
    struct slab *slab = slab_find(address);
    if (UNLIKELY(!slab))
        return (struct block){.kind = BLOCK_FREE};
    uint32_t     slot = slab_slot_of(slab, address);
    struct block block = {.kind = BLOCK_SLACK, .id = slab->id, .span = slab->span, .slab = slab};
    if (slot >= slab->slot_count)
        return block;
    block.base = slab_slot_address(slab, slot);
    if (slab_slot_is_free(slab, slot)) {
        block.kind = BLOCK_FREED;
    } else if (block.base != address) {
        block.kind = BLOCK_INTERIOR;
    } else {
        block.kind = BLOCK_SMALL;
        block.usable = slab_bytes(slab);
    }
    if (UNLIKELY(option(OPT_HARDENED) != 0))
        ask_mark(&block, slot);
    return block;
}

static size_t usable_of(const struct span *span) {
    return UNLIKELY(option(OPT_HARDENED) != 0) ? span_requested(span) : span->bytes;
}

struct block block_of_span(struct span *span) {
    bool is_huge = span_kind_of(span) == SPAN_HUGE;
    return (struct block){.kind = is_huge ? BLOCK_HUGE : BLOCK_LARGE,
                          .id = is_huge ? CLASS_HUGE : CLASS_LARGE,
                          .span = span,
                          .base = span->base,
                          .usable = usable_of(span)};
}

// `granule` was the first of a block, of class `id`. Freed while we look it may be any part of
// another span.
static struct block find_whole(uintptr_t address, uintptr_t granule, class_id id) {
    struct span *span = page_map_span(granule);
    if (UNLIKELY(span->base != granule))
        return (struct block){.kind = BLOCK_FREE};
    struct block block = {.kind = BLOCK_INTERIOR, .id = id, .span = span, .base = granule};
    if (granule == address) {
        block.kind = id == CLASS_LARGE ? BLOCK_LARGE : BLOCK_HUGE;
        block.usable = usable_of(span);
    }
    return block;
}

static bool is_whole(const struct block *block) {
    return block->kind == BLOCK_LARGE || block->kind == BLOCK_HUGE;
}

void block_claim(const char *function, struct block *block) {
    if (!is_whole(block))
        return;
    if (UNLIKELY(!page_map_claim(block->base, block->id)))
        block_fail(function, (void *)block->base, &(struct block){.kind = BLOCK_FREE});
    // Freed and taken again while we looked it may have another record.
    block->span = page_map_known_span(block->base);
    block->usable = usable_of(block->span);
}

void block_unclaim(const struct block *block) {
    if (is_whole(block))
        page_map_set_class(block->span->base, 1, block->id);
}

// The block that a granule of CLASS_INSIDE belongs to: its first granule is the next lower one that
// is not inside.
static struct block find_inside(uintptr_t address) {
    uintptr_t granule = align_down(address, GRANULE);
    while (page_map_class(granule) == CLASS_INSIDE)
        granule -= GRANULE;
    class_id id = page_map_class(granule);
    if (id != CLASS_LARGE && id != CLASS_HUGE)
        return (struct block){.kind = BLOCK_FREE};
    return find_whole(address, granule, id);
}

static struct block find_outside(uintptr_t address) {
    struct block block = {.kind = BLOCK_FOREIGN};
    if (guarded_owns(address)) {
        bool is_live = guarded_find(address, &block.usable);
        block.kind = is_live ? BLOCK_GUARDED : BLOCK_UNGUARDED;
        block.base = is_live ? address : 0;
    } else if (emergency_owns(address)) {
        block.usable = emergency_find(address);
        block.kind = block.usable ? BLOCK_EMERGENCY : BLOCK_FREE;
        block.base = block.usable ? address : 0;
    }
    return block;
}

struct block block_find(const void *pointer) {
    uintptr_t address = (uintptr_t)pointer;
    class_id  id = page_map_class(address);
    if (class_is_small(id) || id == CLASS_HEAP_SLAB)
        return find_in_slab(address);
    switch (id) {
    case CLASS_LARGE:
    case CLASS_HUGE:
        return find_whole(address, align_down(address, GRANULE), id);
    case CLASS_INSIDE:
        return find_inside(address);
    case CLASS_FREE:
        return (struct block){.kind = BLOCK_FREE};
    default:
        return find_outside(address);
    }
}

NORETURN static void fail_interior(const char *function, const void *pointer,
                                   const struct block *block) {
    struct text_line line;
    if (block->slab)
        slab_fail(function, pointer, block->slab);
    fail_begin_pointer(&line, function, pointer);
    text_add(&line, "pointer into the middle of a ");
    text_add_number(&line, usable_of(block->span));
    text_add(&line, block->id == CLASS_LARGE ? "-byte block (large, starts at "
                                             : "-byte block (huge, starts at ");
    text_add_hex(&line, block->base);
    text_add(&line, ")");
    fail_line(&line);
}

// A slot that is free, or a pointer into one.
NORETURN static void fail_freed(const char *function, const void *pointer,
                                const struct block *block) {
    bool is_start = block->base == (uintptr_t)pointer;
    if (fail_is_free(function) && is_start)
        slab_fail(function, pointer, block->slab);
    fail_block(function, pointer,
               is_start ? "memory that is free already: a "
                        : "memory that is free already: inside a ",
               slab_bytes(block->slab), "-byte block");
}

void block_fail(const char *function, const void *pointer, const struct block *block) {
    switch (block->kind) {
    case BLOCK_INTERIOR:
        fail_interior(function, pointer, block);
    case BLOCK_FREED:
        fail_freed(function, pointer, block);
    case BLOCK_UNGUARDED:
        guarded_fail(function, pointer);
    case BLOCK_SLACK:
        fail_block(function, pointer, "pointer behind the last ", slab_bytes(block->slab),
                   "-byte block of a slab");
    case BLOCK_FREE:
        fail_pointer(function, pointer, "memory that is free already");
    default:
        fail_pointer(function, pointer, "pointer not from this allocator");
    }
}

bool block_fits_request(const struct block *block, size_t bytes, size_t alignment) {
    if (UNLIKELY(block->kind == BLOCK_EMERGENCY))
        return bytes <= block->usable;
    if (UNLIKELY(option(OPT_HARDENED) != 0))
        return bytes == block->usable && is_aligned(block->base, alignment);
    if (block->kind == BLOCK_GUARDED)
        return bytes == block->usable;
    if (bytes > block->usable || alignment > PTRDIFF_MAX)
        return false;
    alignment = bits_round_up_power(alignment);  // as memalign
    if (!is_aligned(block->base, alignment))
        return false;
    if (block->kind == BLOCK_SMALL)
        return size_class_aligned(max_size(bytes, 1), alignment) == block->id;
    return align_up(max_size(bytes, 1), os_page_bytes()) == block->usable;
}

void block_add_text(struct text_line *line, const struct block *block) {
    text_add_number(line, block->usable);
    text_add(line, "-byte block (");
    if (block->kind == BLOCK_SMALL) {
        text_add_number(line, slab_bytes(block->slab));
        text_add(line, "-byte class)");
    } else {
        text_add(line, block->kind == BLOCK_LARGE ? "large)" : "huge)");
    }
}

void block_fail_size(const char *function, const void *pointer, size_t bytes,
                     const struct block *block) {
    if (block->kind == BLOCK_GUARDED)
        guarded_fail_size(function, pointer, bytes);
    struct text_line line;
    fail_begin_size(&line, function, pointer, bytes, block->usable);
    fail_line(&line);
}
