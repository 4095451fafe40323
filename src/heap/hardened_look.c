// heap/hardened_look.c - see hardened_look.h.
#include "heap/hardened_look.h"

#include "heap/arena.h"
#include "heap/hardened_proof.h"
#include "heap/user_heap.h"
#include "os/lock.h"
#include "os/os.h"

enum { LOOKS = 100, COPY_WORDS = 64 };

// Constant while the look goes on: one thread ends the program.
static const char *name;

// --- slabs ---------------------------------------------------------------------------------------

// What was read since the mark was is what the holder left. Acquire and release: the holder who
// changes the mark after this, by an exchange that acquires (heap/hardened.c), overwrites after
// what was read here; one who changed it before is seen.
static bool is_still(uint16_t *mark, uint16_t seen) {
    return __atomic_compare_exchange_n(mark, &seen, seen, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

struct finding {
    struct block block;
    uintptr_t    broken;  // the first byte that is; the end of the room: none behind
    bool         before;  // something before is
};

// The word before a slot is the end of a live block's canary, which was looked at.
static bool is_proved(struct slab *slab, uint32_t slot) {
    return slot == 0 || PEEK(slab_mark(slab, slot - 1)) >= SLOT_LIVE;
}

// False: no live block, or it is whole.
static bool finds(struct slab *slab, uint32_t slot, struct finding *finding) {
    // Acquire: pairs with the release in set_requested; the canary is there.
    uint16_t  mark = __atomic_load_n(slab_mark(slab, slot), __ATOMIC_ACQUIRE);
    uintptr_t base = slab_slot_address(slab, slot), end = base + slab_bytes(slab);
    if (mark < SLOT_LIVE)
        return false;
    uintptr_t from = end - slot_rest(mark), broken;
    broken = proof_broken(base, from, end, proof_word(align_down(from, sizeof(uint64_t))));
    bool before = !is_proved(slab, slot) && !proof_is_whole_before(slab, base, end - base);
    if (LIKELY(broken == end && !before) || !is_still(slab_mark(slab, slot), mark))
        return false;
    *finding = (struct finding){{.kind = BLOCK_SMALL,
                                 .id = slab->id,
                                 .span = slab->span,
                                 .slab = slab,
                                 .base = base,
                                 .usable = from - base},
                                broken,
                                before};
    return true;
}

NORETURN COLD static void tell(const struct finding *finding, uintptr_t end) {
    if (finding->broken < end)
        proof_fail_behind(name, &finding->block, finding->broken - finding->block.base);
    proof_fail_before(name, &finding->block);
}

// Under the lock of the bin.
static void look_at_slab(struct slab *slab) {
    struct finding finding;
    for (uint32_t slot = 0; slot < slab->slot_count; slot++) {
        unsigned looks = 0;
        while (UNLIKELY(finds(slab, slot, &finding)))
            if (++looks == LOOKS)
                tell(&finding, slab_slot_address(slab, slot + 1));
    }
}

static struct slab *slab_at(uintptr_t granule) {
    struct span *span = page_map_span(granule);
    // Acquire: pairs with the release in span_set_kind.
    if (!span || __atomic_load_n(&span->kind, __ATOMIC_ACQUIRE) != SPAN_SLAB)
        return NULL;
    struct slab *slab = PEEK(&span->slab);
    return PEEK(&slab->span) == span ? slab : NULL;
}

// The records of arenas stay; a user's heap may be gone.
static bool is_of_arena(const struct bin *bin) {
    for (unsigned i = 0; i < arena_limit(); i++) {
        const struct arena *arena = arena_at(i);
        if (arena && bin >= arena->bins && bin <= &arena->bins[SMALL_CLASS_LAST])
            return true;
    }
    return false;
}

// A slab is made and given back under its bin's lock: what is one under it stays one.
static void look_at_granule(uintptr_t granule) {
    struct slab *slab = slab_at(granule);
    struct bin  *bin = slab ? PEEK(&slab->bin) : NULL;
    if (!bin || !is_of_arena(bin))
        return;
    lock_acquire(&bin->lock);
    if (slab_at(granule) == slab && PEEK(&slab->bin) == bin && slab->base == granule)
        look_at_slab(slab);
    lock_release(&bin->lock);
}

// --- whole blocks --------------------------------------------------------------------------------

// The first broken byte of the canary; `end`: none, or the memory is gone.
static uintptr_t broken_in_copy(uintptr_t base, uintptr_t from, uintptr_t end) {
    uint64_t words[COPY_WORDS];
    for (uintptr_t at = from; at < end;) {
        uintptr_t start = align_down(at, sizeof words[0]);
        uintptr_t next = min_size(start + sizeof words, end);
        if (!os_copy(words, (const void *)start, next - start))
            return end;
        uintptr_t broken = proof_broken(base, at, next, words);
        if (broken < next)
            return broken;
        at = next;
    }
    return end;
}

static bool finds_whole(struct span *span, uintptr_t base, class_id id, struct finding *finding) {
    // Acquire: pairs with span_set_request; the canary is there, and what else the record says.
    size_t request = __atomic_load_n(&span->request, __ATOMIC_ACQUIRE);
    size_t requested = (request & ~SPAN_DRESSED) >> 2, bytes = PEEK(&span->bytes);
    if (!(request & SPAN_DRESSED) || PEEK(&span->base) != base || requested > bytes)
        return false;
    uintptr_t end = base + bytes, broken = broken_in_copy(base, base + requested, end);
    // Acquire and release: as is_still.
    if (LIKELY(broken == end) ||
        !__atomic_compare_exchange_n(&span->request, &request, request, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED) ||
        PEEK(&span->bytes) != bytes || PEEK(&span->base) != base)
        return false;
    *finding = (struct finding){{.kind = id == CLASS_LARGE ? BLOCK_LARGE : BLOCK_HUGE,
                                 .id = id,
                                 .span = span,
                                 .base = base,
                                 .usable = requested},
                                broken,
                                false};
    return true;
}

static void look_at_whole(uintptr_t granule, class_id id) {
    struct finding finding;
    unsigned       looks = 0;
    struct span   *span = page_map_span(granule);
    while (span && UNLIKELY(finds_whole(span, granule, id, &finding)))
        if (++looks == LOOKS)
            tell(&finding, UINTPTR_MAX);
}

// --- all -----------------------------------------------------------------------------------------

// Slabs of a hardened process have the class byte of user's heaps (bin_arena_byte).
static void visit(uintptr_t granule, class_id id) {
    if (id == CLASS_HEAP_SLAB)
        look_at_granule(granule);
    else if (id == CLASS_LARGE || id == CLASS_HUGE)
        look_at_whole(granule, id);
}

void hardened_look_at_live(const char *function) {
    if (!option(OPT_HARDENED) || !option(OPT_CANARY))
        return;
    name = function;
    page_map_each(visit);
    user_heap_each_slab(look_at_slab);
}
