// page/page_heap_walk.h - walks over the regions of a page heap, span by span.
#pragma once
#include "page/page_heap.h"

// Calls `visit` for every span of a kind; it must not give the span back. In a forked child only:
// no lock is taken.
void page_heap_visit(struct page_heap *heap, enum span_kind kind,
                     void (*visit)(struct span *span));
// Free bytes at the end of the source's last region: what a trim could give back of the data
// segment. Takes the lock.
size_t page_heap_top_bytes(struct page_heap *heap);
// Traps unless theory 1 and 2 hold and the figures are right. Takes the lock.
void page_heap_check(struct page_heap *heap);
