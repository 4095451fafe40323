// page/page_heap.h - the free spans of one arena: best fit by length, then address.
//
// Theory
//  1. Every granule of the heap's regions belongs to one span: in use, free, or moving (being
//     purged).
//  2. Free spans are dirty (resident) or clean (zero, given back). Neighbours of one state are
//     joined at once, so two adjacent free spans always differ in state.
//  3. A request takes the shortest dirty span that fits, lowest address first; else the shortest
//     clean one; else the source grows. What is too much is split off and stays free.
//  4. Dirty spans stand in a list, oldest first, for the purge. A span being purged is SPAN_MOVING
//     and in no tree, so no lock is held over the system call.
// Lock: RANK_PAGE_HEAP inside every function, but for that of a forked child. May be called with
// a bin's lock held.
#pragma once
#include "os/lock.h"
#include "page/page_gauge.h"
#include "page/source.h"
#include "page/span.h"

struct page_heap {
    struct lock        lock;
    struct tree        free_spans[2];  // by enum span_state
    struct list        dirty_lru;      // of span.lru, oldest first
    struct list        moving;         // of span.owned: detached for the purge, for fork's sake
    struct source     *source;         // asked first
    struct source     *fallback;       // asked first when the source is exhausted; NULL = none
    struct page_gauge *gauge;          // shared
    // figures; written under the lock, read by anybody
    size_t dirty_bytes;  // resident bytes of free spans
    size_t clean_bytes;  // the other bytes of free spans
    size_t active_bytes;
    size_t free_count;   // free spans
};

void page_heap_init(struct page_heap *heap, struct source *source, struct source *fallback,
                    struct page_gauge *gauge);

// A span of `granules` granules whose base is a multiple of `align_granules` (a power of two); kind
// SPAN_MOVING: the caller names kind and publishes it. span->state tells whether it reads as zero.
// NULL: no memory.
struct span *page_heap_take(struct page_heap *heap, size_t granules, size_t align_granules);
// As page_heap_take for one granule alignment, but NULL when the heap's lock is held by somebody
// (*busy is then true).
struct span *page_heap_try_take(struct page_heap *heap, size_t granules, bool *busy);
// Gives a span in use back; it is dirty from now on. `touched`: the bytes from its start that were
// ever used, as far as it was clean when it was taken; `holes`: how many of them went back to the
// kernel since. The record may be gone when this returns.
void page_heap_give(struct page_heap *heap, struct span *span, size_t touched, size_t holes);
// Grows a span in use to `granules` into a free right neighbour. False: unchanged.
bool page_heap_grow(struct page_heap *heap, struct span *span, size_t granules);
// Cuts a span in use to `granules` and frees the rest. False: unchanged (no memory for a record).
bool page_heap_shrink(struct page_heap *heap, struct span *span, size_t granules);

// Takes up to about `bytes` of the oldest dirty spans out (kind SPAN_MOVING), linked by lru into
// `list`; with `age`, only of those that are free for so many steps. Whole spans; returns their
// bytes.
size_t page_heap_detach_dirty(struct page_heap *heap, size_t bytes, uint32_t age,
                              struct list *list);
// Puts a detached span back, clean when its memory was given back, dirty (young again) when not.
// What taking it again will say is told the gauge by the caller (page_gauge_purged).
void page_heap_attach(struct page_heap *heap, struct span *span, bool clean);
// The same for one that was given back in part: dirty, and young again.
void page_heap_attach_start(struct page_heap *heap, struct span *span, size_t resident);
// Gives the data segment's end back when at least `threshold` clean bytes stand there, keeping
// `pad`. With `regions` also regions that are one free span, and dirty ends and regions (what the
// kernel would not purge can be unmapped all the same). Returns the bytes of address space
// returned.
size_t page_heap_return(struct page_heap *heap, size_t threshold, size_t pad, bool regions);

// In a forked child: takes back what another thread had detached. The lock is reset before.
void page_heap_repair_in_child(struct page_heap *heap);
