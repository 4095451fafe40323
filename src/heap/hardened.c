// heap/hardened.c - see hardened.h.
#include "heap/hardened.h"

#include <string.h>

#include "heap/arena.h"
#include "heap/fence.h"
#include "heap/hardened_family.h"
#include "heap/hardened_proof.h"
#include "heap/huge.h"
#include "heap/quarantine.h"
#include "heap/secret.h"
#include "heap/stock.h"
#include "heap/user_heap.h"
#include "os/fail.h"

enum { SETTLE_BATCHES = 4 };

void hardened_start(void) {
    if (!hardened_is_on())
        return;
    secret_start();
    slab_harden();
    quarantine_start(option(OPT_QUARANTINE));
}

// --- small ---------------------------------------------------------------------------------------

// Before the first slot is taken that lies behind it; once a slab.
static void make_fence(struct slab *slab) {
    uint8_t due = SLAB_FENCE_DUE;
    // Relaxed: who frees the slab's last slot comes after, through the bin's lock or the hand-back.
    if (LIKELY(PEEK(&slab->fence) != SLAB_FENCE_DUE) ||
        !__atomic_compare_exchange_n(&slab->fence, &due, SLAB_FENCED, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED))
        return;
    if (!fence_make((void *)slab->span->base, slab->base - slab->span->base))
        POKE(&slab->fence, SLAB_OPEN);
}

static uintptr_t last_word(const struct slab *slab, uint32_t slot) {
    return slab_slot_address(slab, slot) + slab_bytes(slab) - sizeof(uint64_t);
}

// A neighbour that nobody had yet has no canary. One that is taken meanwhile gets the same word.
// Acquire: pairs with the release in set_requested; whoever has a mark has his canary. (The
// exchange of who frees it goes on with that release.)
static void mark_before(struct slab *slab, uint32_t slot) {
    if (slot > 0 && option(OPT_CANARY) &&
        __atomic_load_n(slab_mark(slab, slot - 1), __ATOMIC_ACQUIRE) == SLOT_FRESH)
        POKE(proof_word(last_word(slab, slot - 1)),
             secret_canary(slab_slot_address(slab, slot - 1)));
}

static bool is_whole_before(const struct slab *slab, uint32_t slot) {
    if (slot == 0 || !option(OPT_CANARY))
        return true;
    uint64_t word = PEEK(proof_word(last_word(slab, slot - 1)));
    return word == 0 || word == secret_canary(slab_slot_address(slab, slot - 1));
}

// The canary, then the mark.
static void set_requested(struct slab *slab, uint32_t slot, size_t bytes) {
    uint16_t mark = slot_mark(slab_bytes(slab) - bytes, FAMILY_MALLOC);
    proof_write_canary(slab_slot_address(slab, slot), bytes, slab_bytes(slab));
    // Release: see mark_before.
    __atomic_store_n(slab_mark(slab, slot), mark, __ATOMIC_RELEASE);
}

// A slot just taken becomes a block. True: it reads as zero.
static bool dress(void *pointer, size_t bytes) {
    uintptr_t    base = (uintptr_t)pointer;
    struct slab *slab = slab_find(base);
    uint32_t     slot = slab_slot_of(slab, base);
    bool         was_freed = PEEK(slab_mark(slab, slot)) == SLOT_FREED;
    make_fence(slab);
    if (was_freed)
        proof_still_clear("malloc", slab->id, base);
    mark_before(slab, slot);
    set_requested(slab, slot, bytes);
    return was_freed && option(OPT_ZERO_ON_FREE);
}

// As caches do: the budget each time, the clock now and then. Relaxed: threads may lose counts.
static void settle(void) {
    static uint32_t batches;
    POKE(&batches, PEEK(&batches) + 1);
    if (PEEK(&batches) % SETTLE_BATCHES == 0)
        arena_settle();
    else
        arena_keep_budget();
}

// Who goes on to the stock is proved when he leaves that.
static void give_leavers(struct quarantine_leavers *leavers, bool to_stock) {
    uint32_t put = 0;
    if (to_stock && leavers->count > 0 && stock_wants(leavers->id))
        put = stock_put(leavers->id, leavers->slots, leavers->count);
    for (uint32_t i = put; i < leavers->count; i++)
        proof_still_clear("free", leavers->id, (uintptr_t)leavers->slots[i]);
    if (put < leavers->count)
        arena_give("free", leavers->id, leavers->slots + put, leavers->count - put);
}

static void wait(void *pointer, class_id id) {
    struct quarantine_leavers leavers;
    quarantine_put(pointer, id, &leavers);
    if (LIKELY(leavers.count == 0))
        return;
    give_leavers(&leavers, true);
    while (leavers.more) {
        quarantine_leave_due(&leavers);
        give_leavers(&leavers, true);
    }
    settle();
}

// What is proved, and cleared, of a slot that was live until now.
static void strip_small(const char *function, const struct block *block, uint32_t slot) {
    proof_whole(function, block, slab_bytes(block->slab));
    if (!is_whole_before(block->slab, slot))
        proof_fail_before(function, block);
    proof_clear(block->slab->id, block->base);
}

static void give_small(const char *function, struct block *block) {
    struct slab *slab = block->slab;
    uint32_t     slot = slab_slot_of(slab, block->base);
    // Relaxed: of two who free the same block one finds the other's mark; what they wrote into the
    // block is handed on by the locks of quarantine and bin.
    uint16_t mark = __atomic_exchange_n(slab_mark(slab, slot), SLOT_FREED, __ATOMIC_RELAXED);
    if (mark < SLOT_LIVE)
        slab_fail(function, (void *)block->base, slab);
    hardened_prove_family(function, block, (enum family)slot_family(mark));
    strip_small(function, block, slot);
    if (user_heap_of(block))
        user_heap_give(function, block);
    else
        wait((void *)block->base, slab->id);
}

// --- whole blocks --------------------------------------------------------------------------------

static void dress_whole(struct span *span, size_t bytes) {
    span_set_request(span, bytes, FAMILY_MALLOC);
    proof_write_canary(span->base, bytes, span->bytes);
}

// What has no fence goes back to an arena as it is; the pages of all others are the kernel's again.
static void strip_whole(const char *function, const struct block *block) {
    proof_whole(function, block, block->span->bytes);
    if (block->kind == BLOCK_LARGE && option(OPT_ZERO_ON_FREE))
        memset((void *)block->base, 0, block->span->bytes);
}

static void give_whole(const char *function, struct block *block) {
    struct span *span = block->span;
    hardened_prove_family(function, block, (enum family)span_family(span));
    strip_whole(function, block);
    if (span->owner)
        user_heap_give(function, block);
    else if (block->kind == BLOCK_LARGE)
        arena_give_large(span);
    else {
        huge_give(span);
        arena_wake_keeper();
    }
}

// --- the functions -------------------------------------------------------------------------------

static struct span *span_of(void *pointer) {
    return pointer ? page_map_span((uintptr_t)pointer) : NULL;
}

// A batch for the stock; one of it, or NULL: no memory.
NOINLINE static void *restock(class_id id, uint32_t missing) {
    void    *slots[STOCK_LEAST + STOCK_BATCH];
    uint32_t count = arena_take(id, slots, missing), put = 0;
    if (count == 0)
        return stock_keeps(id) ? stock_take_last(id) : NULL;
    if (count > 1)
        put = stock_put(id, slots, count - 1);
    if (put < count - 1)
        arena_give("malloc", id, slots + put, count - 1 - put);
    return slots[count - 1];
}

static void *take_small(class_id id, size_t bytes, bool *is_zero) {
    uint32_t missing = 1;
    void    *slot = stock_keeps(id) ? stock_take(id, &missing) : NULL;
    if (!slot && !(slot = restock(id, missing)))
        return NULL;
    *is_zero = dress(slot, bytes);
    return slot;
}

static void *take_of_heap(struct user_heap *heap, size_t bytes, bool *is_zero) {
    void *memory = user_heap_take(heap, bytes + proof_canary_bytes());
    if (!memory)
        return NULL;
    if (bytes + proof_canary_bytes() <= SMALL_MAX)
        *is_zero = dress(memory, bytes);
    else
        dress_whole(span_of(memory), bytes);
    return memory;
}

void *hardened_take(struct user_heap *heap, size_t bytes, size_t alignment, bool *is_zero) {
    size_t   needed = max_size(bytes + proof_canary_bytes(), 1);
    class_id id = size_class_aligned(needed, alignment);
    *is_zero = false;
    if (heap)
        return take_of_heap(heap, bytes, is_zero);
    if (id != CLASS_NONE && class_bytes(id) - bytes <= SLOT_REST_MAX)
        return take_small(id, bytes, is_zero);
    struct span *span = arena_take_whole(max_size(bytes, 1), alignment);
    if (!span)
        return NULL;
    *is_zero = span->state == SPAN_CLEAN;
    dress_whole(span, bytes);
    return (void *)span->base;
}

void *hardened_take_ready(size_t bytes) {
    size_t   needed = max_size(bytes + proof_canary_bytes(), 1);
    class_id id = needed <= SMALL_MAX ? size_class_of(needed) : (class_id)CLASS_NONE;
    uint32_t missing;
    void    *slot = id != CLASS_NONE && stock_keeps(id) ? stock_take(id, &missing) : NULL;
    if (LIKELY(slot != NULL))
        dress(slot, bytes);
    return slot;
}

bool hardened_give_live(const char *function, void *pointer) {
    uintptr_t    address = (uintptr_t)pointer;
    // The exchange of the mark waits for its record, and these need not wait for that.
    __builtin_prefetch(pointer, 1);
    __builtin_prefetch((char *)pointer - 1);
    bool         is_slab = page_map_class(address) == CLASS_HEAP_SLAB;
    struct slab *slab = is_slab ? slab_find(address) : NULL;
    if (UNLIKELY(!slab))
        return false;
    uint32_t slot = slab_slot_of(slab, address);
    if (UNLIKELY(slot >= slab->slot_count || slab_slot_address(slab, slot) != address))
        return false;
    uint16_t mark = PEEK(slab_mark(slab, slot));
    if (UNLIKELY(mark < SLOT_LIVE))
        return false;
    give_small(function, &(struct block){.kind = BLOCK_SMALL,
                                         .id = slab->id,
                                         .span = slab->span,
                                         .slab = slab,
                                         .base = address,
                                         .usable = slab_bytes(slab) - slot_rest(mark)});
    return true;
}

void hardened_give(const char *function, struct block *block) {
    if (block->kind == BLOCK_SMALL)
        give_small(function, block);
    else
        give_whole(function, block);
}

static size_t room_of(const struct block *block) {
    return block->kind == BLOCK_SMALL ? slab_bytes(block->slab) : block->span->bytes;
}

bool hardened_resize(const char *function, struct block *block, size_t bytes) {
    size_t room = room_of(block), needed = bytes;
    hardened_prove_family(function, block, hardened_family(block));
    proof_whole(function, block, room);
    if (block->kind == BLOCK_SMALL)
        needed += proof_canary_bytes();
    if (needed > room || needed < room / 2 ||
        (block->kind == BLOCK_SMALL && room - bytes > SLOT_REST_MAX))
        return false;
    // What was canary is not shown.
    if (bytes > block->usable)
        memset((char *)block->base + block->usable, 0, bytes - block->usable);
    if (block->kind == BLOCK_SMALL)
        set_requested(block->slab, slab_slot_of(block->slab, block->base), bytes);
    else
        dress_whole(block->span, bytes);
    return true;
}

// --- the end of a user's heap --------------------------------------------------------------------

static const char heap_end[] = "tide_heap_destroy";

static void end_slab(struct slab *slab) {
    for (uint32_t slot = 0; slot < slab->slot_count; slot++) {
        uintptr_t base = slab_slot_address(slab, slot);
        uint16_t  mark = PEEK(slab_mark(slab, slot));
        if (mark == SLOT_FREED) {
            proof_still_clear(heap_end, slab->id, base);
        } else if (mark >= SLOT_LIVE) {
            struct block block = block_find((void *)base);
            strip_small(heap_end, &block, slot);
        }
    }
}

static void end_whole(struct span *span) {
    struct block block = block_find((void *)span->base);
    strip_whole(heap_end, &block);
}

void hardened_destroy(struct user_heap *heap) {
    user_heap_each(heap, end_slab, end_whole);
    user_heap_destroy(heap);
}

// --- what waits ----------------------------------------------------------------------------------

static bool give_stock(void) {
    void *slots[STOCK_BATCH];
    bool  some = false;
    for (unsigned id = SMALL_CLASS_FIRST; id <= SMALL_CLASS_LAST; id++)
        for (uint32_t count; (count = stock_drain((class_id)id, slots)) > 0; some = true)
            arena_give("free", (class_id)id, slots, count);
    return some;
}

static bool give_back(bool what_waits) {
    struct quarantine_leavers leavers;
    bool                      some = give_stock();
    do {
        (what_waits ? quarantine_leave_all : quarantine_leave_batch)(&leavers);
        give_leavers(&leavers, false);
        some |= leavers.count > 0;
    } while (leavers.count > 0);
    return some;
}

bool hardened_trim(void) {
    return give_back(false);
}

bool hardened_flush(void) {
    return give_back(true);
}

uint64_t hardened_slots(class_id id) {
    return hardened_is_on() ? stock_count(id) + quarantine_count(id) : 0;
}

void hardened_count(struct counters *totals) {
    for (unsigned id = SMALL_CLASS_FIRST; hardened_is_on() && id <= SMALL_CLASS_LAST; id++)
        totals->value[COUNTER_cached_bytes] += hardened_slots((class_id)id) *
                                               class_bytes((class_id)id);
}

static void look(void *pointer) {
    struct slab *slab = slab_find((uintptr_t)pointer);
    if (PEEK(slab_mark(slab, slab_slot_of(slab, (uintptr_t)pointer))) == SLOT_FREED)
        proof_still_clear("free", slab->id, (uintptr_t)pointer);
}

void hardened_last_look(void) {
    if (!hardened_is_on())
        return;
    quarantine_each(look);
    stock_each(look);
}
