// heap/user_heap.c - see user_heap.h.
#include "heap/user_heap.h"

#include "conf/options.h"
#include "heap/arena.h"
#include "heap/huge.h"
#include "os/fail.h"

static struct meta_pool heap_pool = META_POOL(struct user_heap);
static struct lock      heaps_lock = LOCK_INIT(RANK_USER_HEAPS);
static struct list      heaps = {&heaps, &heaps};
static const char       end_name[] = "tide_heap_destroy";

const struct user_heap_sight user_heap_sight = {&heaps};

#define EACH_BIN(heap, bin)                                                                        \
    for (struct bin *bin = &(heap)->bins[SMALL_CLASS_FIRST];                                       \
         bin <= &(heap)->bins[SMALL_CLASS_LAST]; bin++)
#define EACH_HEAP(heap_node)                                                                       \
    for (struct list *heap_node = heaps.next; heap_node != &heaps; heap_node = heap_node->next)

static struct user_heap *heap_of_node(struct list *node) {
    return CONTAINER_OF(node, struct user_heap, node);
}

// --- handles -------------------------------------------------------------------------------------
//
//   1 | how many heaps the record has been (39 bits) | number of the record (20 bits) | 0000
//
// The bit in front makes it no address of a program.

enum { ROW_HEAPS = 256, ROWS = 4096, HANDLE_SHIFT = 4, TURN_SHIFT = 24 };
#define HANDLE_MARK ((uintptr_t)1 << 63)

// Records by number. Both are written under heaps_lock and never change after that; rows are stored
// with release.
static struct user_heap **rows[ROWS] APART;
static uint32_t           last_number;

NORETURN static void fail_heap(const char *function, const void *handle) {
    fail_pointer(function, handle, "not a heap, or destroyed already");
}

struct user_heap *user_heap_prove(const char *function, const void *handle) {
    uintptr_t value = (uintptr_t)handle;
    size_t    number = value >> HANDLE_SHIFT & (ROWS * ROW_HEAPS - 1);
    // Relaxed: what is read depends on it, and the handle came as the program hands things on.
    struct user_heap **row = PEEK(&rows[number / ROW_HEAPS]);
    struct user_heap  *heap = row ? PEEK(&row[number % ROW_HEAPS]) : NULL;
    if (UNLIKELY(!heap || PEEK(&heap->handle) != value || !PEEK(&heap->open)))
        fail_heap(function, handle);
    return heap;
}

// For a record that had no heap yet. False: no memory, or 1,048,575 heaps are there.
static bool number_locked(struct user_heap *heap) {
    uint32_t number = last_number + 1, index = number / ROW_HEAPS;
    if (index >= ROWS)
        return false;
    struct user_heap **row = rows[index];
    if (!row && !(row = meta_forever(ROW_HEAPS * sizeof *row)))
        return false;
    // Release: pairs with the dependent load in user_heap_prove; the row is zero.
    __atomic_store_n(&rows[index], row, __ATOMIC_RELEASE);
    POKE(&row[number % ROW_HEAPS], heap);
    heap->number = last_number = number;
    heap->handle = HANDLE_MARK | (uintptr_t)number << HANDLE_SHIFT;
    return true;
}

static bool name_locked(struct user_heap *heap) {
    if (heap->number == 0 && !number_locked(heap))
        return false;
    POKE(&heap->handle, (heap->handle + ((uintptr_t)1 << TURN_SHIFT)) | HANDLE_MARK);
    POKE(&heap->open, true);
    return true;
}

// --- the heap ------------------------------------------------------------------------------------

static bool list_new(struct user_heap *heap) {
    lock_acquire(&heaps_lock);
    bool done = name_locked(heap);
    if (done)
        list_append(&heaps, &heap->node);
    lock_release(&heaps_lock);
    return done;
}

struct user_heap *user_heap_new(void) {
    struct user_heap *heap = lock_is_reentered() ? NULL : meta_take(&heap_pool);
    if (!heap)
        return NULL;
    struct page_heap *pages = arena_pages();
    lock_init(&heap->lock, RANK_USER_HEAP);
    list_init(&heap->spans);
    list_init(&heap->node);
    heap->bytes = 0;
    for (unsigned id = SMALL_CLASS_FIRST; id <= SMALL_CLASS_LAST; id++)
        bin_init(&heap->bins[id], (class_id)id, pages, heap);
    if (!list_new(heap)) {
        meta_give(&heap_pool, heap);
        return NULL;
    }
    return heap;
}

static void *take_whole(struct user_heap *heap, size_t bytes) {
    struct span *span = arena_take_whole(bytes, GRANULE);
    if (!span)
        return NULL;
    span->owner = heap;
    lock_acquire(&heap->lock);
    list_append(&heap->spans, &span->owned);
    heap->bytes += span->bytes;
    lock_release(&heap->lock);
    return (void *)span->base;
}

void *user_heap_take(struct user_heap *heap, size_t bytes) {
    if (bytes > SMALL_MAX)
        return take_whole(heap, bytes);
    struct bin *bin = &heap->bins[size_class_of(bytes)];
    void       *slot;
    lock_acquire(&bin->lock);
    uint32_t taken = bin_take_locked(bin, &slot, 1);
    lock_release(&bin->lock);
    return taken ? slot : NULL;
}

struct user_heap *user_heap_of(const struct block *block) {
    if (block->kind == BLOCK_SMALL)
        return block->slab->bin->owner;
    return block->span ? block->span->owner : NULL;
}

static void give_whole(struct span *span) {
    struct user_heap *heap = span->owner;
    lock_acquire(&heap->lock);
    list_remove(&span->owned);
    heap->bytes -= span->bytes;
    lock_release(&heap->lock);
    if (span_kind_of(span) == SPAN_HUGE)
        huge_give(span);
    else
        arena_give_large(span);
}

void user_heap_give(const char *function, struct block *block) {
    if (block->kind != BLOCK_SMALL) {
        give_whole(block->span);
        return;
    }
    struct bin *bin = block->slab->bin;
    void       *slot = (void *)block->base;
    lock_acquire(&bin->lock);
    bin_give_locked(bin, function, &slot, 1);
    lock_release(&bin->lock);
    arena_settle();
}

void user_heap_note_resize(struct span *span, size_t before) {
    struct user_heap *heap = span->owner;
    lock_acquire(&heap->lock);
    heap->bytes += span->bytes - before;
    lock_release(&heap->lock);
}

void user_heap_each(struct user_heap *heap, void (*visit_slab)(struct slab *slab),
                    void (*visit_whole)(struct span *span)) {
    if (UNLIKELY(lock_is_reentered()))
        return;
    EACH_BIN(heap, bin)
        for (struct list *node = bin->slabs.next; node != &bin->slabs; node = node->next)
            visit_slab(CONTAINER_OF(node, struct span, owned)->slab);
    for (struct list *node = heap->spans.next; node != &heap->spans; node = node->next)
        visit_whole(CONTAINER_OF(node, struct span, owned));
}

// A block that another thread frees meanwhile is that one's, and a mistake.
static void claim_all(struct user_heap *heap) {
    lock_acquire(&heap->lock);
    for (struct list *node = heap->spans.next; node != &heap->spans; node = node->next) {
        struct block block = block_of_span(CONTAINER_OF(node, struct span, owned));
        block_claim(end_name, &block);
    }
    lock_release(&heap->lock);
}

static void visit_slabs(struct bin *bin, void (*visit)(struct slab *slab)) {
    lock_acquire(&bin->lock);
    for (struct list *node = bin->slabs.next; node != &bin->slabs; node = node->next)
        visit(CONTAINER_OF(node, struct span, owned)->slab);
    lock_release(&bin->lock);
}

void user_heap_each_slab(void (*visit)(struct slab *slab)) {
    if (UNLIKELY(lock_is_reentered()))
        return;
    lock_acquire(&heaps_lock);
    EACH_HEAP(node)
        EACH_BIN(heap_of_node(node), bin)
            visit_slabs(bin, visit);
    lock_release(&heaps_lock);
}

bool user_heap_close(struct user_heap *heap) {
    if (UNLIKELY(lock_is_reentered()))
        return false;
    // Relaxed: of two who destroy it one has nothing to do but write a line.
    if (UNLIKELY(!__atomic_exchange_n(&heap->open, false, __ATOMIC_RELAXED)))
        fail_heap(end_name, (void *)heap->handle);
    lock_acquire(&heaps_lock);
    list_remove(&heap->node);
    lock_release(&heaps_lock);
    claim_all(heap);
    return true;
}

void user_heap_end(struct user_heap *heap) {
    while (!list_is_empty(&heap->spans))
        give_whole(CONTAINER_OF(list_first(&heap->spans), struct span, owned));
    EACH_BIN(heap, bin)
        bin_destroy(bin);
    meta_give(&heap_pool, heap);
    arena_settle();
}

void user_heap_destroy(struct user_heap *heap) {
    if (LIKELY(user_heap_close(heap)))
        user_heap_end(heap);
}

void user_heap_count(struct counters *totals) {
    if (UNLIKELY(lock_is_reentered()))
        return;
    lock_acquire(&heaps_lock);
    EACH_HEAP(node) {
        totals->value[COUNTER_heaps]++;
        EACH_BIN(heap_of_node(node), bin)
            bin_count(bin, totals);
    }
    lock_release(&heaps_lock);
}

bool user_heap_slots(uint64_t *slots, uint64_t *slabs) {
    if (UNLIKELY(lock_is_reentered()))
        return false;
    lock_acquire(&heaps_lock);
    EACH_HEAP(node)
        EACH_BIN(heap_of_node(node), bin) {
            *slots += PEEK(&bin->taken);
            *slabs += PEEK(&bin->slab_count);
        }
    lock_release(&heaps_lock);
    return *slabs > 0;
}

// --- fork: the list, every heap, every bin of every heap: the order of ranks ---------------------

void user_heap_fork_prepare(void) {
    lock_acquire(&heaps_lock);
    EACH_HEAP(node)
        lock_acquire_peer(&heap_of_node(node)->lock);
    EACH_HEAP(node)
        EACH_BIN(heap_of_node(node), bin)
            lock_acquire_peer(&bin->lock);
}

static void each_lock(void (*release)(struct lock *lock)) {
    EACH_HEAP(node) {
        EACH_BIN(heap_of_node(node), bin)
            release(&bin->lock);
        release(&heap_of_node(node)->lock);
    }
    release(&heaps_lock);
}

void user_heap_fork_parent(void) {
    each_lock(lock_release);
}

// What a thread that is gone had claimed is its heap's yet. (Elsewhere huge blocks are in no list.)
static void repair(struct user_heap *heap) {
    for (struct list *node = heap->spans.next; node != &heap->spans; node = node->next) {
        struct block block = block_of_span(CONTAINER_OF(node, struct span, owned));
        block_unclaim(&block);
    }
}

void user_heap_fork_child(void) {
    each_lock(lock_reset_in_child);
    EACH_HEAP(node)
        repair(heap_of_node(node));
}
