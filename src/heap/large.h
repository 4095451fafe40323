// heap/large.h - one block a span of an arena: above SMALL_MAX, up to the huge threshold.
//
// A large block starts at its span's base, so its address is a multiple of 64 KiB; its usable size
// is the request rounded up to OS pages, inside a span of whole granules. It grows within the span
// for nothing and beyond it into a free right neighbour. No lock of its own: the page heap's.
#pragma once
#include "page/page_heap.h"

// `bytes` >= 1, `alignment` a power of two. NULL: no memory. span->state tells whether it reads as
// zero.
struct span *large_take(struct page_heap *heap, size_t bytes, size_t alignment);
// As large_take for an alignment up to a granule; NULL with *busy when somebody holds the heap's
// lock.
struct span *large_try_take(struct page_heap *heap, size_t bytes, bool *busy);
void         large_give(struct span *span);
// In a forked child, for every large block: one that a thread that is gone had claimed, to resize
// it, is there yet.
void large_repair_in_child(struct span *span);
// True: span->bytes is at least `bytes` now, in place; a shrink gives whole granules back.
bool large_resize(struct span *span, size_t bytes);
