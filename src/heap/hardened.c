// heap/hardened.c - see hardened.h.
#include "heap/hardened.h"

#include <errno.h>
#include <string.h>

#include "heap/arena.h"
#include "heap/hardened_family.h"
#include "heap/hardened_small.h"
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

ALWAYS_INLINE struct place place_at(struct slab *slab, uintptr_t address) {
    return place_of(slab, slab_slot_of(slab, address));
}

// The same of a live block: what was canary may be written only when the mark says so.
static void move_requested(const char *function, const struct place *place, size_t bytes) {
    proof_write_slot(place->base, place->room, place->room - bytes);
    // Release: see place_mark_before. Acquire: pairs with is_still in heap/hardened_look.c.
    uint16_t found = __atomic_exchange_n(
        place->mark, slot_mark(place->room - bytes, FAMILY_MALLOC), __ATOMIC_ACQ_REL);
    if (UNLIKELY(found < SLOT_LIVE))  // another thread frees it
        slab_fail(function, (void *)place->base, place->slab);
}

bool hardened_dress(void *slot, size_t bytes) {
    struct place place = place_at(slab_find((uintptr_t)slot), (uintptr_t)slot);
    return place_dress(&place, bytes);
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

void hardened_leave_due(struct quarantine_leavers *leavers) {
    hardened_leave(leavers, 0);
    while (leavers->more) {
        quarantine_leave_due(leavers);
        hardened_leave(leavers, 0);
    }
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

// What looked wrong: a line for what is. A family that differs need not be. Keeps errno.
COLD static void judge_small(const char *function, struct place place, uint16_t mark) {
    struct block block = block_of(place, mark);
    int          before = errno;
    if (family_differs((enum family)slot_family(mark), function))
        hardened_fail_family(function, &block, (enum family)slot_family(mark));
    if (!proof_is_whole(block.base, block.usable, place.room))
        proof_fail_behind(function, &block, proof_broken_at(&block, place.room));
    if (!proof_is_whole_before(place.slab, place.base, place.room))
        proof_fail_before(function, &block);
    errno = before;
}

// A slot of which a block keeps at least half stays.
ALWAYS_INLINE bool stays_in_room(size_t room, size_t bytes) {
    size_t needed = bytes + proof_canary_bytes();
    return needed >= room / 2 && needed <= room && room - bytes <= SLOT_REST_MAX;
}

// Something of the block is not as it should be, or seems so: its family may be another one.
ALWAYS_INLINE bool looks_wrong(const char *function, const struct place *place, uint16_t mark) {
    return UNLIKELY(slot_family(mark) != family_of(function)) |
           !proof_is_whole_slot(place->base, place->room, slot_rest(mark)) |
           !proof_is_whole_before(place->slab, place->base, place->room);
}

// The place's block, of this mark when it was looked at, is one no more: proved and cleared. All is
// looked at before the exchange: behind it a processor waits for every store of before. Of two who
// free the same block one finds the other's mark, which tells more than what he sees of the other's
// clearing; what they wrote into the block is handed on by the locks of quarantine and bin.
ALWAYS_INLINE void end_small(const char *function, const struct place *place, uint16_t mark) {
    bool wrong = looks_wrong(function, place, mark);
    // Acquire: pairs with is_still in heap/hardened_look.c; nothing of the block is cleared before.
    uint16_t found = __atomic_exchange_n(place->mark, SLOT_FREED, __ATOMIC_ACQUIRE);
    if (UNLIKELY(found < SLOT_LIVE))
        slab_fail(function, (void *)place->base, place->slab);
    if (UNLIKELY(wrong) || UNLIKELY(found != mark))
        judge_small(function, *place, found);
    proof_clear(place->base, place->room);
}

static void give_small(const char *function, const struct place *place,
                       struct quarantine_leavers *leavers) {
    uint16_t mark = PEEK(place->mark);
    end_small(function, place, mark);
    if (place->slab->bin->owner == NULL) {
        quarantine_put((void *)place->base, place->slab->id, leavers);
    } else {
        struct block block = block_of(*place, mark);
        quarantine_none_leave(leavers);
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

// The mark of the live small block of the arenas that starts there. SLOT_FRESH: anything else.
ALWAYS_INLINE uint16_t find_live(const void *pointer, struct place *place) {
    uintptr_t    address = (uintptr_t)pointer;
    struct slab *slab = slab_find(address);
    if (UNLIKELY(!slab))
        return SLOT_FRESH;
    uint32_t slot = slab_slot_of(slab, address);
    *place = place_of(slab, slot);
    if (UNLIKELY(slot >= slab->slot_count) || UNLIKELY(place->base != address) ||
        UNLIKELY(slab->bin->owner != NULL))
        return SLOT_FRESH;
    uint16_t mark = PEEK(place->mark);
    return LIKELY(mark >= SLOT_LIVE) ? mark : SLOT_FRESH;
}

class_id hardened_end_live(const char *function, void *pointer) {
    struct place place;
    // The mark waits for its record, and these need not wait for that.
    __builtin_prefetch(pointer, 1);
    __builtin_prefetch((const void *)((uintptr_t)pointer - 1));
    uint16_t mark = find_live(pointer, &place);
    if (UNLIKELY(mark == SLOT_FRESH))
        return CLASS_NONE;
    end_small(function, &place, mark);
    return place.slab->id;
}

// What it has is shown as it is, but what was canary is not.
static void resize_small(const char *function, const struct place *place, size_t usable,
                         size_t bytes) {
    move_requested(function, place, bytes);
    if (bytes > usable)
        memset((char *)place->base + usable, 0, bytes - usable);
}

bool hardened_resize_live(const char *function, void *pointer, size_t bytes, size_t *usable) {
    struct place place;
    uint16_t     mark = find_live(pointer, &place);
    *usable = SIZE_MAX;
    if (UNLIKELY(mark == SLOT_FRESH))
        return false;
    *usable = place.room - slot_rest(mark);
    if (!stays_in_room(place.room, bytes))
        return false;
    if (UNLIKELY(slot_family(mark) != family_of(function)) ||
        !proof_is_whole_slot(place.base, place.room, slot_rest(mark)))
        judge_small(function, place, mark);
    resize_small(function, &place, *usable, bytes);
    return true;
}

void hardened_give(const char *function, struct block *block, struct quarantine_leavers *leavers) {
    if (block->kind != BLOCK_SMALL) {
        quarantine_none_leave(leavers);
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
    size_t room = room_of(block);
    hardened_prove_family(function, block, hardened_family(block));
    prove_whole(function, block, room);
    if (block->kind == BLOCK_SMALL) {
        struct place place = place_at(block->slab, block->base);
        bool         stays = stays_in_room(room, bytes);
        if (stays)
            resize_small(function, &place, block->usable, bytes);
        return stays;
    }
    if (bytes < room / 2 || (bytes > room && !widen(block, bytes)))
        return false;
    dress_whole(block->span, bytes);
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
            end_small(heap_end, &place, mark);
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

static void look(const char *function, const void *slot) {
    struct slab *slab = slab_find((uintptr_t)slot);
    if (PEEK(slab_mark(slab, slab_slot_of(slab, (uintptr_t)slot))) == SLOT_FREED)
        hardened_prove_clear(function, slot, slab->id);
}

void hardened_look(void *slot) {
    look("exit", slot);
}

void hardened_prove_free(void *const *slots, uint32_t count) {
    for (uint32_t i = 0; hardened_is_on() && i < count; i++)
        look("free", slots[i]);
}

void hardened_last_look(void) {
    if (!hardened_is_on())
        return;
    quarantine_each(hardened_look);
}
