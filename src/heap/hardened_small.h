// heap/hardened_small.h - how a slot becomes a block of a hardened process: inline, for the path
// that most of its mallocs take. The rest of what becomes of a block is in heap/hardened.c.
//
// Whoever holds a slot that is no block yet has it for himself. Two others may look: who takes or
// frees the neighbour behind, at the slot's last word; who proves all blocks, at its mark
// (heap/hardened_look.c). So the canary is there before the mark says live.
#pragma once
#include "heap/family.h"
#include "heap/hardened_proof.h"
#include "page/page_map.h"

enum { EXPECTED_BYTES = 1024 };  // of a slot; behind them the processor has seen where it goes

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
// Of an address that is a slot's, of class `id`, and held by the caller.
ALWAYS_INLINE struct place place_held(const void *slot, class_id id) {
    uintptr_t    base = (uintptr_t)slot;
    struct slab *slab = page_map_known_span(base)->slab;
    return (struct place){slab, slab_mark(slab, size_class_slot(id, base - slab->base)), base,
                          class_bytes(id)};
}

// It will be dressed soon: what that looks at is on its way from memory.
ALWAYS_INLINE struct place place_expect(const void *slot, class_id id) {
    const char  *start = slot, *last = start + class_bytes(id) - 1;
    const char  *end = last < start + EXPECTED_BYTES ? last : start + EXPECTED_BYTES;
    struct place place = place_held(slot, id);
    __builtin_prefetch(place.mark, 1);
    __builtin_prefetch(start, 1);
    __builtin_prefetch(last, 1);
    // Of small ones these are all lines but for one now and then.
    if (UNLIKELY(place.room > 2 * CACHE_LINE))
        for (const char *line = start + CACHE_LINE; line < end; line += CACHE_LINE)
            __builtin_prefetch(line, 1);
    return place;
}

// Before the first slot of a slab is taken that has a fence before it; once a slab. It may ask the
// kernel, and keeps errno.
NOINLINE void place_make_fence(struct slab *slab);

// A neighbour that nobody had yet has no canary. One that is taken meanwhile gets the same word.
// Acquire: pairs with the release in place_request; whoever has a mark has his canary. (The
// exchange of who frees it goes on with that release.)
ALWAYS_INLINE void place_mark_before(const struct place *place) {
    if (proof_has_before(place->slab, place->base) &&
        __atomic_load_n(place->mark - 1, __ATOMIC_ACQUIRE) == SLOT_FRESH)
        POKE(proof_word(place->base) - 1, secret_canary(place->base - place->room));
}

// The canary, then the mark.
ALWAYS_INLINE void place_request(const struct place *place, size_t bytes) {
    proof_write_slot(place->base, place->room, place->room - bytes);
    // Release: see place_mark_before.
    __atomic_store_n(place->mark, slot_mark(place->room - bytes, FAMILY_MALLOC), __ATOMIC_RELEASE);
}

// The place becomes a block of `bytes`. True: it reads as zero. Fatal when it was freed and is not
// clear any more.
ALWAYS_INLINE bool place_dress(const struct place *place, size_t bytes) {
    bool was_freed = PEEK(place->mark) == SLOT_FREED;
    if (UNLIKELY(PEEK(&place->slab->fence) == SLAB_FENCE_DUE))
        place_make_fence(place->slab);
    if (LIKELY(was_freed) && !proof_is_clear(place->base, place->room))
        proof_fail_clear("malloc", place->base, place->room);
    place_mark_before(place);
    place_request(place, bytes);
    return was_freed && option(OPT_ZERO_ON_FREE);
}
