// entry/alloc.h - the fast paths, and the doors to the slow ones. The page to read first.
//
//   malloc(bytes)                                free(pointer)
//     class of size    one table look-up           class of granule   root -> leaf -> byte
//     pop              *top of the stack           push               unless FULL, or the top
//       NULL: alloc_slow                             else: alloc_free
//         start, birth of the thread                   block_find: the record, proved
//         cache_refill -> arena_take -> bin            cache_overflow -> arena_give -> bins
//         large: arena_take_large                      large: arena_give_large
//         huge:  huge_take                             huge:  huge_give
//
// The null object: a thread without a cache uses cache_none, whose stacks are empty and full at
// once; the pseudo classes (not ours, free, large, huge, inside, user's heap) are so in every
// cache. So the fast paths ask neither "started?" nor "NULL?" nor "small?" of the byte.
// A pointer that is no multiple of SIZE_GRAIN gets no class, so free tells it at once.
// A hardened process has all its blocks from alloc_slow, and gives them to alloc_free: most by the
// straight path of local/stock.h.
// Instructions on x86-64, entry to return: see docs/performance.md.
#pragma once
#include "base/size_class.h"
#include "heap/block.h"
#include "heap/family.h"
#include "local/thread.h"
#include "page/page_map.h"

struct user_heap;

// Every function that holds a fast path, but one of alloc_resize.c, is of this section, and what
// lies in it are such functions: local/parked.h has to know where a thread can be in the middle of
// one. The linker knows its ends. Calls in them should be the last thing they do: where they return
// to is left on the stack, and looks like a fast path under way. Not inlined: the caller is
// elsewhere.
#define FAST_PATH HOT NOINLINE __attribute__((section("tide_fast")))
extern const char alloc_fast_begin[] __asm__("__start_tide_fast")
    __attribute__((visibility("hidden")));
extern const char alloc_fast_end[] __asm__("__stop_tide_fast")
    __attribute__((visibility("hidden")));

struct alloc_request {
    size_t            bytes;
    size_t            alignment;  // a power of two; 1 when nothing is asked
    bool              zero;
    struct user_heap *heap;  // NULL: the arenas
};

// True: `*slot` is a block. False: the caller must take the slow path.
ALWAYS_INLINE bool alloc_pop(struct cache *cache, size_t id, void **slot) {
    void ***place = &cache->top[id];
    void  **top = PEEK(place);
    if (UNLIKELY(*top == NULL))
        return false;
    POKE_ADD(place, -1);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);  // the slot is read again instead of kept: one
    *slot = *top;                             // register, and with it one move, less
    STEP_DONE(place);
    return true;
}
ALWAYS_INLINE bool alloc_fast_class(size_t id, void **slot) {
    return alloc_pop(GLANCE(&thread_root.pops), id, slot);
}
ALWAYS_INLINE bool alloc_fast(size_t bytes, void **block) {
    return LIKELY(bytes <= SMALL_MAX) && alloc_fast_class(size_class_of(bytes), block);
}

// `alignment` is a power of two; 0 is told as failure too.
ALWAYS_INLINE bool alloc_fast_aligned(size_t bytes, size_t alignment, void **block) {
    return alloc_fast_class(size_class_aligned(bytes, alignment), block);
}

// True: freed. False: the caller must take the slow path. The block is neither read nor written.
ALWAYS_INLINE bool alloc_free_fast_class(void *pointer, size_t id) {
    void ***place = &GLANCE(&thread_root.cache)->top[id];
    void  **top = PEEK(place);
    // The second test is the double free that is made most often: twice in a row.
    if (UNLIKELY(!cache_has_room(top)) || UNLIKELY(*top == pointer))
        return false;
    top[1] = pointer;
    __atomic_signal_fence(__ATOMIC_RELEASE);  // no instruction: fork's copy sees a whole stack
    POKE_ADD(place, 1);
    STEP_DONE(place);
    return true;
}
ALWAYS_INLINE bool alloc_free_fast(void *pointer) {
    size_t id;
    return LIKELY(page_map_class_slot((uintptr_t)pointer, &id)) &&
           alloc_free_fast_class(pointer, id);
}
// The same for a block asked for with this size and alignment: a pointer whose class byte says
// something else is the slow path's.
ALWAYS_INLINE bool alloc_free_fast_sized(void *pointer, size_t bytes, size_t alignment) {
    size_t id;
    return LIKELY(page_map_class_slot((uintptr_t)pointer, &id)) &&
           LIKELY(id == size_class_aligned(bytes, alignment)) && alloc_free_fast_class(pointer, id);
}

// True: the slot that the calling thread freed last of class `id`, and did not get again. The
// caller is of the fast paths' section, or marked (local/thread.h).
ALWAYS_INLINE bool alloc_is_newest(const void *pointer, size_t id) {
    struct cache *cache = GLANCE(&thread_root.cache);
    bool          is_newest = *PEEK(&cache->top[id]) == pointer;
    if (cache != CACHE_NONE)  // which cannot be written
        STEP_DONE(&cache->top[id]);
    return is_newest;
}
// The decoder for realloc and its like: block_find, but such a slot, which no bin knows yet, is
// free.
struct block alloc_find(const void *pointer);

// Takes the caches of threads that sleep: their blocks go back to the bins, what the caches lay in
// to the kernel. Returns the bytes of the latter. No lock may be held.
size_t alloc_take_parked(void);

// All below keep errno when they succeed and set ENOMEM when they answer NULL for want of memory.
// This and alloc_free are not COLD, which asks for short code: a hardened process lives in them.
NOINLINE HOT void *alloc_slow(size_t bytes);
// The same for calloc: it reads as zero.
NOINLINE HOT void *alloc_slow_zero(size_t bytes);
// Any request; `bytes` may be anything.
void *alloc_any(const struct alloc_request *request);
// A block just taken is one of new's, not of malloc's: noted where its record has room for it.
COLD void alloc_note_family(void *block, enum family family);
// Frees anything; `function` is what a message calls it. NULL is nothing.
NOINLINE HOT void alloc_free(const char *function, void *pointer);
// Frees a live block that was found and claimed already.
void alloc_give(const char *function, struct block *block);
// By the class of the block: realloc once left one where it was that shrank into another class and
// kept at least half of its size; left one much larger than asked, for want of memory. From then on
// such a size no longer tells a mistake for blocks of that class. Written once, by who leaves it
// so, before the program has the block again: it hands both on together.
extern struct alloc_left {
    bool half, larger;
} alloc_left[CLASS_COUNT];
// As alloc_free; fatal unless the block may have been asked for with this size and alignment.
COLD void alloc_free_sized(const char *function, void *pointer, size_t bytes, size_t alignment);
// realloc's whole contract. `zero`: bytes beyond the old usable size are zero.
void *alloc_resize(const char *function, void *pointer, size_t bytes, bool zero);
// True: the block has at least `bytes` now and did not move.
bool alloc_resize_inplace(const char *function, void *pointer, size_t bytes);
// 0 for NULL.
size_t alloc_usable_size(const char *function, const void *pointer);
// What alloc_usable_size will say of a block of this size; 0 when there can be none.
size_t alloc_good_size(size_t bytes);
