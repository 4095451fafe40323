// entry/alloc.h - the fast paths, and the doors to the slow ones. The page to read first.
//
//   malloc(bytes)                                free(pointer)
//     class of size    one table look-up           class of granule   root -> leaf -> byte
//     pop              *top of the stack           push               unless full, or the top
//       NULL: alloc_slow                             else: alloc_free
//         start, birth of the thread                   block_find: the record, proved
//         cache_refill -> arena_take -> bin            cache_overflow -> arena_give -> bins
//         large: arena_take_large                      large: arena_give_large
//         huge:  huge_take                             huge:  huge_give
//
// The null object: a thread without a cache uses cache_none, whose stacks are empty and full at
// once; the pseudo classes (not ours, free, large, huge, inside, user's heap) are so in every
// cache. So the fast paths ask neither "started?" nor "NULL?" nor "small?" of the byte.
// Instructions on x86-64, entry to return: see docs/performance.md.
#pragma once
#include "heap/block.h"
#include "local/thread.h"
#include "page/page_map.h"

struct user_heap;

struct alloc_request {
    size_t            bytes;
    size_t            alignment;  // a power of two; 1 when nothing is asked
    bool              zero;
    struct user_heap *heap;       // NULL: the arenas
};

// A block, or NULL when the caller must take the slow path.
ALWAYS_INLINE void *alloc_fast_class(class_id id) {
    struct cache *cache = thread_root.cache;
    void        **top = PEEK(&cache->top[id]);
    void         *slot = *top;
    if (LIKELY(slot != NULL))
        POKE(&cache->top[id], top - 1);
    return slot;
}
ALWAYS_INLINE void *alloc_fast(size_t bytes) {
    return LIKELY(bytes <= SMALL_MAX) ? alloc_fast_class(size_class_of(bytes)) : NULL;
}

// True: freed. False: the caller must take the slow path. The block is neither read nor written.
ALWAYS_INLINE bool alloc_free_fast_class(void *pointer, class_id id) {
    struct cache *cache = thread_root.cache;
    void        **top = PEEK(&cache->top[id]);
    // The second test is the double free that is made most often: twice in a row.
    if (UNLIKELY(top == PEEK(&cache->limit[id])) || UNLIKELY(*top == pointer))
        return false;
    top[1] = pointer;
    __atomic_signal_fence(__ATOMIC_RELEASE);  // no instruction: fork's copy sees a whole stack
    POKE(&cache->top[id], top + 1);
    return true;
}
// The leaf that the fast path may use, or NULL: nothing of ours there (NULL pointers too), or an
// address beyond 2^48.
ALWAYS_INLINE struct page_leaf *alloc_leaf(uintptr_t address) {
    size_t index = address >> PAGE_LEAF_SHIFT;
    return LIKELY(index < PAGE_ROOT_ENTRIES) ? PEEK(&page_map_root[index]) : NULL;
}
// Touches nothing but the map before it knows that the pointer lies near memory of ours: free(NULL)
// may be the first call of all, before thread-local storage is set up.
ALWAYS_INLINE bool alloc_free_fast(void *pointer) {
    uintptr_t         address = (uintptr_t)pointer;
    struct page_leaf *leaf = alloc_leaf(address);
    if (UNLIKELY(leaf == NULL))
        return false;
    return alloc_free_fast_class(pointer, PEEK(&leaf->class_of[page_leaf_index(address)]));
}

// All below keep errno when they succeed and set ENOMEM when they answer NULL for want of memory.
COLD void *alloc_slow(size_t bytes);
// Any request; `bytes` may be anything.
void *alloc_any(const struct alloc_request *request);
// Frees anything; `function` is what a message calls it. NULL is nothing.
COLD void alloc_free(const char *function, void *pointer);
// As alloc_free; fatal unless the block may have been asked for with this size and alignment.
void alloc_free_sized(const char *function, void *pointer, size_t bytes, size_t alignment);
// realloc's whole contract. `zero`: bytes beyond the old usable size are zero.
void *alloc_resize(const char *function, void *pointer, size_t bytes, bool zero);
// True: the block has at least `bytes` now and did not move.
bool alloc_resize_inplace(const char *function, void *pointer, size_t bytes);
// 0 for NULL.
size_t alloc_usable_size(const char *function, const void *pointer);
// What alloc_usable_size will say of a block of this size; 0 when there can be none.
size_t alloc_good_size(size_t bytes);
