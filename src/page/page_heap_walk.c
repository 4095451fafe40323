// page/page_heap_walk.c - see page_heap_walk.h.
#include "page/page_heap_walk.h"

#include "os/fail.h"

size_t page_heap_top_bytes(struct page_heap *heap) {
    size_t bytes = 0;
    if (UNLIKELY(lock_is_reentered()))
        return 0;
    lock_acquire(&heap->lock);
    if (!list_is_empty(&heap->source->regions)) {
        struct region *last = CONTAINER_OF(heap->source->regions.prev, struct region, node);
        uintptr_t      end = region_end(last) - GRANULE;
        struct span   *span = last->committed > 0 ? page_map_known_span(end) : NULL;
        bytes = span && span_kind_of(span) == SPAN_FREE ? span_bytes(span) : 0;
    }
    lock_release(&heap->lock);
    return bytes;
}

static void visit_source(struct source *source, enum span_kind kind,
                         void (*visit)(struct span *span)) {
    struct list *node = source ? source->regions.next : NULL;
    for (; source && node != &source->regions; node = node->next) {
        struct region *region = CONTAINER_OF(node, struct region, node);
        for (uintptr_t at = region->base; at < region_end(region);) {
            struct span *span = page_map_known_span(at);
            at = span_end(span);
            if (span_kind_of(span) == kind)
                visit(span);
        }
    }
}

void page_heap_visit(struct page_heap *heap, enum span_kind kind,
                     void (*visit)(struct span *span)) {
    visit_source(heap->source, kind, visit);
    visit_source(heap->fallback, kind, visit);
}

// --- the checker ---------------------------------------------------------------------------------

struct tally {
    size_t free_bytes[2];
    size_t free_spans[2];
    size_t other_bytes;  // in use or moving
};

static void check_region(struct page_heap *heap, struct region *region, struct tally *tally) {
    struct span *before = NULL;  // the span on the left when it is free
    for (uintptr_t at = region->base; at < region_end(region);) {
        struct span *span = page_map_known_span(at);
        bool         is_free = span_kind_of(span) == SPAN_FREE;
        bool         joined = before && is_free && before->state == span->state;
        if (span->base != at || span->granules == 0 || joined || span->pages != heap ||
            page_map_known_span(span_last_granule(span)) != span)
            fail_internal("page heap: spans of a region do not tile it");
        if (is_free) {
            tally->free_bytes[SPAN_DIRTY] += span->resident;
            tally->free_bytes[SPAN_CLEAN] += span_bytes(span) - span->resident;
            tally->free_spans[span->state]++;
        } else {
            tally->other_bytes += span_bytes(span);
        }
        before = is_free ? span : NULL;
        at = span_end(span);
    }
}

static void check_source(struct page_heap *heap, struct source *source, struct tally *tally) {
    if (!source)
        return;
    list_check(&source->regions);
    for (struct list *node = source->regions.next; node != &source->regions; node = node->next)
        check_region(heap, CONTAINER_OF(node, struct region, node), tally);
}

void page_heap_check(struct page_heap *heap) {
    struct tally tally = {{0}, {0}, 0};
    lock_acquire(&heap->lock);
    check_source(heap, heap->source, &tally);
    check_source(heap, heap->fallback, &tally);
    if (tally.free_bytes[SPAN_DIRTY] != heap->dirty_bytes ||
        tally.free_bytes[SPAN_CLEAN] != heap->clean_bytes ||
        tally.other_bytes < heap->active_bytes)
        fail_internal("page heap: figures do not match the spans");
    if (tree_check(&heap->free_spans[SPAN_DIRTY]) != tally.free_spans[SPAN_DIRTY] ||
        tree_check(&heap->free_spans[SPAN_CLEAN]) != tally.free_spans[SPAN_CLEAN] ||
        list_check(&heap->dirty_lru) != tally.free_spans[SPAN_DIRTY])
        fail_internal("page heap: trees and list do not match the spans");
    lock_release(&heap->lock);
}
