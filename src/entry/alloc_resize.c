// entry/alloc_resize.c - realloc: what stays where it is, what moves its pages, what is copied.
#include <errno.h>
#include <string.h>

#include "conf/options.h"
#include "entry/alloc.h"
#include "entry/foreign.h"
#include "entry/init.h"
#include "heap/arena.h"
#include "heap/guarded.h"
#include "heap/hardened.h"
#include "heap/huge.h"
#include "heap/user_heap.h"
#include "local/stock.h"
#include "page/limit.h"

// A block that keeps at least half of its size in use stays where it is.
static bool is_good_enough(size_t usable, size_t bytes) {
    return bytes <= usable && bytes >= usable / 2;
}

// A look spares other threads the line.
ALWAYS_INLINE void note_half(class_id id) {
    if (!PEEK(&alloc_left[id].half))
        POKE(&alloc_left[id].half, true);
}

static bool stays_where_it_is(const struct block *block, size_t bytes) {
    bool stays = is_good_enough(block->usable, bytes);
    if (stays)
        note_half(block->id);
    return stays;
}

static bool fits_slot(const struct block *block, size_t bytes) {
    return (bytes <= SMALL_MAX && size_class_of(bytes) == block->id) ||
           stays_where_it_is(block, bytes);
}

static bool resize_span(struct block *block, size_t bytes) {
    struct span *span = block->span;
    size_t       before = span->bytes;
    bool done = block->kind == BLOCK_LARGE ? bytes <= huge_threshold() && large_resize(span, bytes)
                                           : huge_resize(span, bytes);
    if (done && span->owner)
        user_heap_note_resize(span, before);
    if (done && bytes < before)
        arena_settle();
    return done;
}

static bool resize_in_place(const char *function, struct block *block, size_t bytes) {
    if (UNLIKELY(block->kind == BLOCK_EMERGENCY) || UNLIKELY(thread_is_reentered()))
        return stays_where_it_is(block, bytes);
    if (hardened_is_on())
        return hardened_resize(function, block, bytes);
    if (block->kind == BLOCK_SMALL)
        return fits_slot(block, bytes);
    if (block->kind == BLOCK_GUARDED) {
        guarded_prove_family(function, (void *)block->base);
        return bytes == block->usable;
    }
    if (bytes <= SMALL_MAX && !is_good_enough(block->usable, bytes))
        return false;
    return resize_span(block, bytes);
}

// A huge block that stays huge moves its pages; also one of a size that the arenas serve since the
// threshold was learned: that is a reason to take a new block there, none to copy this one.
static void *move_pages(struct block *block, size_t bytes) {
    if (bytes <= option(OPT_HUGE_THRESHOLD))
        return NULL;
    size_t before = block->span->bytes;
    void  *moved = huge_move(block->span, bytes);
    if (moved && block->span->owner)
        user_heap_note_resize(block->span, before);
    return moved;
}

static void *move_content(const char *function, void *pointer, struct block *block, size_t bytes) {
    void *moved = alloc_any(
        &(struct alloc_request){.bytes = bytes, .alignment = 1, .heap = user_heap_of(block)});
    if (!moved)
        return NULL;
    memcpy(moved, pointer, min_size(block->usable, bytes));
    alloc_give(function, block);
    return moved;
}

// What a new block is filled with, and what limits ask of it, is alloc_any's.
static void *move_hardened(const char *function, struct block *block, size_t bytes) {
    if (!hardened_is_on() || UNLIKELY(thread_is_reentered()) ||
        UNLIKELY(block->kind == BLOCK_EMERGENCY) || option(OPT_PERTURB) != 0 || limit_is_set())
        return NULL;
    void *moved = hardened_move(block, bytes);
    if (moved)
        alloc_give(function, block);
    return moved;
}

// Where it is, or by moving its pages; NULL: neither.
static void *resize_without_copy(const char *function, void *pointer, struct block *block,
                                 size_t bytes) {
    if (block->kind == BLOCK_HUGE && !hardened_is_on() && !thread_is_reentered())
        return move_pages(block, bytes);
    return resize_in_place(function, block, bytes) ? pointer : NULL;
}

static void *resize_live(const char *function, void *pointer, struct block *block, size_t bytes) {
    block_claim(function, block);
    void *resized = resize_without_copy(function, pointer, block, bytes);
    if (!resized && ((resized = move_hardened(function, block, bytes)) != NULL ||
                     (resized = move_content(function, pointer, block, bytes)) != NULL))
        return resized;
    block_unclaim(block);
    // A block that only shrinks can stay where it is when there is no memory for a smaller one.
    if (!resized && bytes <= block->usable) {
        POKE(&alloc_left[block->id].larger, true);
        resized = pointer;
    }
    return resized;
}

static void zero_tail(void *pointer, size_t from) {
    struct block block = block_find(pointer);
    if (block.usable > from)
        memset((char *)pointer + from, 0, block.usable - from);
}

static void *resize_foreign(const char *function, void *pointer, size_t bytes, bool zero) {
    size_t usable = zero ? foreign_usable_size(function, pointer) : bytes;
    char  *resized = usable ? foreign_realloc(function, pointer, bytes) : NULL;
    if (resized && usable < bytes)
        memset(resized + usable, 0, foreign_usable_size(function, resized) - usable);
    return resized;
}

static void *resize_block(const char *function, void *pointer, size_t bytes, bool zero) {
    struct block block = alloc_find(pointer);
    if (block.kind == BLOCK_FOREIGN)
        return resize_foreign(function, pointer, bytes, zero);
    if (!block_is_live(&block))
        block_fail(function, pointer, &block);
    void *resized = resize_live(function, pointer, &block, bytes);
    if (!resized)
        errno = ENOMEM;
    else if (zero && bytes > block.usable)
        zero_tail(resized, block.usable);
    return resized;
}

// Of a hardened process: a small block that stays small. NULL, and nothing done: anything else.
NOINLINE HOT static void *resize_ready(const char *function, void *pointer, size_t bytes) {
    size_t usable;
    if (UNLIKELY(thread_is_inside()) || UNLIKELY(bytes - 1 >= STOCK_READY))
        return NULL;
    if (hardened_resize_live(function, pointer, bytes, &usable))
        return pointer;
    void *moved = usable != SIZE_MAX ? alloc_slow(bytes) : NULL;
    if (UNLIKELY(!moved))
        return NULL;
    memcpy(moved, pointer, min_size(usable, bytes));
    alloc_free(function, pointer);
    return moved;
}

NOINLINE static void *resize_slow(const char *function, void *pointer, size_t bytes, bool zero) {
    if (!pointer && !zero)
        return alloc_slow(bytes);
    if (!pointer)
        return alloc_any(&(struct alloc_request){.bytes = bytes, .alignment = 1, .zero = zero});
    if (bytes == 0) {
        alloc_free(function, pointer);
        return NULL;
    }
    if (bytes > PTRDIFF_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    int   before = errno;
    void *resized = hardened_is_on() && !zero ? resize_ready(function, pointer, bytes) : NULL;
    if (LIKELY(resized != NULL))
        return resized;
    init_ensure();
    resized = resize_block(function, pointer, bytes, zero);
    if (resized)
        errno = before;
    return resized;
}

// From a live block of class `id` to one of class `wanted`, which has at least `bytes`. It calls in
// the middle, so it is outside of the fast paths' section (alloc.h), and marked as slow ones are.
NOINLINE HOT static void *move_small(const char *function, void *pointer, size_t bytes, size_t id,
                                     size_t wanted) {
    void *moved;
    bool  given = true;
    thread_mark();
    bool taken = alloc_fast_class(wanted, &moved);
    if (LIKELY(taken)) {
        memcpy(moved, pointer, min_size(class_bytes((class_id)id), class_bytes((class_id)wanted)));
        given = alloc_free_fast_class(pointer, id);
    }
    thread_leave();
    if (UNLIKELY(!taken))
        return resize_slow(function, pointer, bytes, false);
    if (UNLIKELY(!given))
        alloc_free(function, pointer);
    return moved;
}

// A small block that stays small is served here; all else, and every misuse, on the slow path.
FAST_PATH void *alloc_resize(const char *function, void *pointer, size_t bytes, bool zero) {
    size_t id;
    if (UNLIKELY(zero || bytes - 1 >= SMALL_MAX) ||
        UNLIKELY(!page_map_class_fast((uintptr_t)pointer, &id)) ||
        UNLIKELY(!block_is_small((uintptr_t)pointer, (class_id)id)) ||
        UNLIKELY(alloc_is_newest(pointer, id)))
        return resize_slow(function, pointer, bytes, zero);
    size_t wanted = size_class_of(bytes);
    if (wanted == id)
        return pointer;
    if (!is_good_enough(class_bytes((class_id)id), bytes))
        return move_small(function, pointer, bytes, id, wanted);
    note_half((class_id)id);
    return pointer;
}

bool alloc_resize_inplace(const char *function, void *pointer, size_t bytes) {
    int          before = errno;
    bool         possible = bytes > 0 && bytes <= PTRDIFF_MAX, done;
    struct block block = alloc_find(pointer);
    if (block.kind == BLOCK_FOREIGN)
        done = possible && bytes <= alloc_usable_size(function, pointer);
    else if (block_is_live(&block)) {
        block_claim(function, &block);
        done = possible && resize_in_place(function, &block, bytes);
        block_unclaim(&block);
    } else
        block_fail(function, pointer, &block);
    errno = before;
    return done;
}
