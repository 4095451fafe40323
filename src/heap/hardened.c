// heap/hardened.c - see hardened.h.
#include "heap/hardened.h"

#include <string.h>

#include "heap/arena.h"
#include "heap/fence.h"
#include "heap/hardened_family.h"
#include "heap/hardened_proof.h"
#include "heap/huge.h"
#include "heap/secret.h"
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
NOINLINE static void make_fence(struct slab *slab) {
    uint8_t due = SLAB_FENCE_DUE;
    // Relaxed: who frees the slab's last slot comes after, through the bin's lock or the hand-back.
    if (!__atomic_compare_exchange_n(&slab->fence, &due, SLAB_FENCED, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED))
        return;
    if (!fence_make((void *)slab->span->base, slab->base - slab->span->base))
        POKE(&slab->fence, SLAB_OPEN);
}

// A slot, found once for all that is done to it.
struct place {
    struct slab *slab;
    uint16_t    *mark;
    uintptr_t    base;
    size_t       room;
};

ALWAYS_INLINE struct place place_of(struct slab *slab, uint32_t slot) {
    size_t room = slab_bytes(slab);
    return (struct place){slab, slab_mark(slab, slot), slab->base + slot * room, room};
}
ALWAYS_INLINE struct place place_at(struct slab *slab, uintptr_t address) {
    return place_of(slab, slab_slot_of(slab, address));
}

// A neighbour that nobody had yet has no canary. One that is taken meanwhile gets the same word.
// Acquire: pairs with the release in set_requested; whoever has a mark has his canary. (The
// exchange of who frees it goes on with that release.)
ALWAYS_INLINE void mark_before(const struct place *place) {
    if (proof_has_before(place->slab, place->base) &&
        __atomic_load_n(place->mark - 1, __ATOMIC_ACQUIRE) == SLOT_FRESH)
        POKE(proof_word(place->base) - 1, secret_canary(place->base - place->room));
}

// The canary, then the mark.
ALWAYS_INLINE void set_requested(const struct place *place, size_t bytes) {
    proof_write_canary(place->base, bytes, place->room);
    // Release: see mark_before.
    __atomic_store_n(place->mark, slot_mark(place->room - bytes, FAMILY_MALLOC), __ATOMIC_RELEASE);
}

// The same of a live block: what was canary may be written only when the mark says so.
static void move_requested(const struct place *place, size_t bytes) {
    proof_write_canary(place->base, bytes, place->room);
    // Release: see mark_before. Acquire: pairs with is_still in heap/hardened_look.c.
    __atomic_exchange_n(place->mark, slot_mark(place->room - bytes, FAMILY_MALLOC),
                        __ATOMIC_ACQ_REL);
}

bool hardened_dress(void *slot, size_t bytes) {
    struct place place = place_at(slab_find((uintptr_t)slot), (uintptr_t)slot);
    bool         was_freed = PEEK(place.mark) == SLOT_FREED;
    if (UNLIKELY(PEEK(&place.slab->fence) == SLAB_FENCE_DUE))
        make_fence(place.slab);
    if (was_freed && !proof_is_clear(place.base, place.room))
        proof_fail_clear("malloc", place.base, place.room);
    mark_before(&place);
    set_requested(&place, bytes);
    return was_freed && option(OPT_ZERO_ON_FREE);
}

void hardened_prove_clear(const char *function, const void *slot, class_id id) {
    if (!proof_is_clear((uintptr_t)slot, class_bytes(id)))
        proof_fail_clear(function, (uintptr_t)slot, class_bytes(id));
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

void hardened_leave(struct quarantine_leavers *leavers, uint32_t first) {
    if (first >= leavers->count)
        return;
    for (uint32_t i = first; i < leavers->count; i++)
        hardened_prove_clear("free", leavers->slots[i], leavers->id);
    arena_give("free", leavers->id, leavers->slots + first, leavers->count - first);
    settle();
}

// For messages, and for calls that want one.
static struct block block_of(struct place place, uint16_t mark) {
    return (struct block){.kind = BLOCK_SMALL,
                          .id = place.slab->id,
                          .span = place.slab->span,
                          .slab = place.slab,
                          .base = place.base,
                          .usable = place.room - slot_rest(mark)};
}

NORETURN COLD static void fail_small(const char *function, struct place place, uint16_t mark) {
    struct block block = block_of(place, mark);
    if (family_differs((enum family)slot_family(mark), function))
        hardened_fail_family(function, &block, (enum family)slot_family(mark));
    if (!proof_is_whole(block.base, block.usable, place.room))
        proof_fail_behind(function, &block, proof_broken_at(&block, place.room));
    proof_fail_before(function, &block);
}

// What is proved, and cleared, of a slot that was live until now.
ALWAYS_INLINE void strip_small(const char *function, const struct place *place, uint16_t mark) {
    if (UNLIKELY(family_differs((enum family)slot_family(mark), function)) ||
        !proof_is_whole(place->base, place->room - slot_rest(mark), place->room) ||
        UNLIKELY(!proof_is_whole_before(place->slab, place->base, place->room)))
        fail_small(function, *place, mark);
    proof_clear(place->base, place->room);
}

ALWAYS_INLINE void none_leave(struct quarantine_leavers *leavers) {
    leavers->count = 0;
    leavers->more = false;
}

ALWAYS_INLINE void give_small(const char *function, const struct place *place,
                              struct quarantine_leavers *leavers) {
    struct slab *slab = place->slab;
    // Of two who free the same block one finds the other's mark; what they wrote into the block is
    // handed on by the locks of quarantine and bin. Acquire: pairs with is_still in
    // heap/hardened_look.c; nothing of the block is cleared before.
    uint16_t mark = __atomic_exchange_n(place->mark, SLOT_FREED, __ATOMIC_ACQUIRE);
    if (UNLIKELY(mark < SLOT_LIVE))
        slab_fail(function, (void *)place->base, slab);
    strip_small(function, place, mark);
    if (LIKELY(slab->bin->owner == NULL)) {
        quarantine_put((void *)place->base, slab->id, leavers);
    } else {
        struct block block = block_of(*place, mark);
        none_leave(leavers);
        user_heap_give(function, &block);
    }
}

// --- whole blocks --------------------------------------------------------------------------------

// The canary, then the record, as of slots.
static void dress_whole(struct span *span, size_t bytes) {
    proof_write_canary(span->base, bytes, span->bytes);
    span_set_request(span, bytes, FAMILY_MALLOC);
}

static void prove_whole(const char *function, const struct block *block, size_t room) {
    if (!proof_is_whole(block->base, block->usable, room))
        proof_fail_behind(function, block, proof_broken_at(block, room));
}

// What has no fence goes back to an arena as it is; the pages of all others are the kernel's again.
static void strip_whole(const char *function, const struct block *block) {
    prove_whole(function, block, block->span->bytes);
    span_end_request(block->span);
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

static void *take_small(class_id id, size_t bytes, bool *is_zero) {
    void *slot;
    if (arena_take(id, &slot, 1) == 0)
        return NULL;
    *is_zero = hardened_dress(slot, bytes);
    return slot;
}

static void *take_of_heap(struct user_heap *heap, size_t bytes, bool *is_zero) {
    void *memory = user_heap_take(heap, bytes + proof_canary_bytes());
    if (!memory)
        return NULL;
    if (bytes + proof_canary_bytes() <= SMALL_MAX)
        *is_zero = hardened_dress(memory, bytes);
    else
        dress_whole(span_of(memory), bytes);
    return memory;
}

class_id hardened_class(size_t bytes, size_t alignment) {
    class_id id = size_class_aligned(max_size(bytes + proof_canary_bytes(), 1), alignment);
    return id != CLASS_NONE && class_bytes(id) - bytes <= SLOT_REST_MAX ? id : (class_id)CLASS_NONE;
}

void *hardened_take(struct user_heap *heap, size_t bytes, size_t alignment, bool *is_zero) {
    class_id id = hardened_class(bytes, alignment);
    *is_zero = false;
    if (heap)
        return take_of_heap(heap, bytes, is_zero);
    if (id != CLASS_NONE)
        return take_small(id, bytes, is_zero);
    struct span *span = arena_take_whole(max_size(bytes, 1), alignment);
    if (!span)
        return NULL;
    *is_zero = span->state == SPAN_CLEAN;
    dress_whole(span, bytes);
    return (void *)span->base;
}

bool hardened_give_live(const char *function, void *pointer, struct quarantine_leavers *leavers) {
    uintptr_t address = (uintptr_t)pointer;
    // The exchange of the mark waits for its record, and these need not wait for that.
    __builtin_prefetch(pointer, 1);
    __builtin_prefetch((char *)pointer - 1);
    struct slab *slab = slab_find(address);
    if (UNLIKELY(!slab))
        return false;
    uint32_t     slot = slab_slot_of(slab, address);
    struct place place = place_of(slab, slot);
    if (UNLIKELY(slot >= slab->slot_count) || UNLIKELY(place.base != address) ||
        UNLIKELY(PEEK(place.mark) < SLOT_LIVE))
        return false;
    give_small(function, &place, leavers);
    return true;
}

void hardened_give(const char *function, struct block *block, struct quarantine_leavers *leavers) {
    if (block->kind != BLOCK_SMALL) {
        none_leave(leavers);
        give_whole(function, block);
    } else {
        struct place place = place_at(block->slab, block->base);
        give_small(function, &place, leavers);
    }
}

static size_t room_of(const struct block *block) {
    return block->kind == BLOCK_SMALL ? slab_bytes(block->slab) : block->span->bytes;
}

// Between fences a block grows into what lies behind it.
static bool widen(struct block *block, size_t bytes) {
    struct span *span = block->span;
    if (block->kind != BLOCK_HUGE || span->guard_before == 0)
        return false;
    size_t   before = span->bytes;
    unsigned family = span_family(span);
    // Until it is dressed anew: what lies behind is no canary (heap/hardened_look.c).
    span_end_request(span);
    bool done = huge_resize(span, bytes);
    if (!done)
        span_set_request(span, block->usable, family);
    else if (span->owner)
        user_heap_note_resize(span, before);
    return done;
}

bool hardened_resize(const char *function, struct block *block, size_t bytes) {
    size_t room = room_of(block), needed = bytes;
    hardened_prove_family(function, block, hardened_family(block));
    prove_whole(function, block, room);
    if (block->kind == BLOCK_SMALL)
        needed += proof_canary_bytes();
    if (needed < room / 2 || (needed > room && !widen(block, bytes)) ||
        (block->kind == BLOCK_SMALL && room - bytes > SLOT_REST_MAX))
        return false;
    if (block->kind == BLOCK_SMALL) {
        struct place place = place_at(block->slab, block->base);
        move_requested(&place, bytes);
    } else {
        dress_whole(block->span, bytes);
    }
    // What was canary is not shown.
    if (bytes > block->usable)
        memset((char *)block->base + block->usable, 0, min_size(bytes, room) - block->usable);
    return true;
}

void *hardened_move(const struct block *block, size_t bytes) {
    if (bytes <= block->usable || bytes + proof_canary_bytes() <= SMALL_MAX || user_heap_of(block))
        return NULL;
    struct span *span = huge_take_roomy(bytes);
    if (!span)
        return NULL;
    dress_whole(span, bytes);
    memcpy((void *)span->base, (void *)block->base, block->usable);
    return (void *)span->base;
}

// --- the end of a user's heap --------------------------------------------------------------------

static const char heap_end[] = "tide_heap_destroy";

static void end_slab(struct slab *slab) {
    for (uint32_t slot = 0; slot < slab->slot_count; slot++) {
        struct place place = place_of(slab, slot);
        uint16_t     mark = PEEK(place.mark);
        if (mark == SLOT_FREED) {
            hardened_prove_clear(heap_end, (void *)place.base, slab->id);
        } else if (mark >= SLOT_LIVE) {
            // Acquire: as in give_small.
            __atomic_exchange_n(place.mark, SLOT_FREED, __ATOMIC_ACQUIRE);
            strip_small(heap_end, &place, mark);
        }
    }
}

static void end_whole(struct span *span) {
    struct block block = block_of_span(span);  // it is claimed
    strip_whole(heap_end, &block);
}

void hardened_destroy(struct user_heap *heap) {
    if (UNLIKELY(!user_heap_close(heap)))
        return;
    user_heap_each(heap, end_slab, end_whole);
    user_heap_end(heap);
}

// --- what waits ----------------------------------------------------------------------------------

static bool give_back(bool what_waits) {
    struct quarantine_leavers leavers;
    bool                      some = false;
    do {
        (what_waits ? quarantine_leave_all : quarantine_leave_batch)(&leavers);
        hardened_leave(&leavers, 0);
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
    return hardened_is_on() ? quarantine_count(id) : 0;
}

void hardened_count(struct counters *totals) {
    for (unsigned id = SMALL_CLASS_FIRST; hardened_is_on() && id <= SMALL_CLASS_LAST; id++)
        totals->value[COUNTER_cached_bytes] += hardened_slots((class_id)id) *
                                               class_bytes((class_id)id);
}

void hardened_look(void *pointer) {
    struct slab *slab = slab_find((uintptr_t)pointer);
    if (PEEK(slab_mark(slab, slab_slot_of(slab, (uintptr_t)pointer))) == SLOT_FREED)
        hardened_prove_clear("free", pointer, slab->id);
}

void hardened_prove_free(void *const *slots, uint32_t count) {
    for (uint32_t i = 0; hardened_is_on() && i < count; i++)
        hardened_look(slots[i]);
}

void hardened_last_look(void) {
    if (!hardened_is_on())
        return;
    quarantine_each(hardened_look);
}
