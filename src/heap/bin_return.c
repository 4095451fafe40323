// heap/bin_return.c - slots that go back without the lock of their bin: bits and the hand-back
// stack (slab.h). See bin.h.
#include "heap/bin.h"

#include "base/sort.h"

// Two passes: the misses overlap, where one pass would wait for each. What a stale entry of the map
// leads to is an address to ask for, no more.
void bin_prefetch(void *const *slots, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        __builtin_prefetch(page_map_span((uintptr_t)slots[i]));
    for (uint32_t i = 0; i < count; i++) {
        struct span *span = page_map_span((uintptr_t)slots[i]);
        uintptr_t    slab = span ? (uintptr_t)PEEK(&span->slab) : 0;
        __builtin_prefetch((void *)slab);
        __builtin_prefetch((void *)(slab + CACHE_LINE));
    }
}

// Merges in the place of an owner that may never come again (theory 2).
static void merge_if_due(struct bin *bin, uint32_t count) {
    uint32_t pending = __atomic_add_fetch(&bin->pending, count, __ATOMIC_RELAXED);
    if (pending < size_class_table[bin->id].slots / 2 || !lock_try(&bin->lock))
        return;
    bin_merge_locked(bin);
    lock_release(&bin->lock);
}

static bool lies_in(const struct slab *slab, const void *slot) {
    return (uintptr_t)slot - slab->base < slab_slots_bytes(slab);
}

// Returns the first ones of the slots, as far as they lie in one word of the slab; slots[0] does.
static uint32_t return_word(const char *function, struct slab *slab, void **slots,
                            uint32_t count) {
    uint32_t slot = slab_slot_of(slab, (uintptr_t)slots[0]), word = slot / BITMAP_WORD_BITS;
    uint32_t done = 0;
    uint64_t bits = 0;
    do {
        uint64_t bit = (uint64_t)1 << (slot % BITMAP_WORD_BITS);
        if (UNLIKELY(bits & bit || slab_slot_address(slab, slot) != (uintptr_t)slots[done]))
            slab_fail(function, slots[done], slab);
        bits |= bit;
        if (++done == count || !lies_in(slab, slots[done]))
            break;
        slot = slab_slot_of(slab, (uintptr_t)slots[done]);
    } while (slot / BITMAP_WORD_BITS == word);
    uint64_t already = slab_return_bits(slab, word, bits);
    if (UNLIKELY(already)) {
        slot = word * BITMAP_WORD_BITS + bits_lowest(already);
        slab_fail(function, (void *)slab_slot_address(slab, slot), slab);
    }
    return done;
}

// Returns the first ones of the slots, as far as they lie in the slab of slots[0].
static uint32_t return_to_slab(const char *function, struct slab *slab, void **slots,
                               uint32_t count) {
    struct bin *bin = PEEK(&slab->bin);
    uint32_t    done = 0;
    slab_return_begin(slab);
    do
        done += return_word(function, slab, slots + done, count - done);
    while (done < count && lies_in(slab, slots[done]));
    if (slab_return_end(slab))
        handback_push(&bin->news, &slab->hand);
    merge_if_due(bin, done);
    return done;
}

// Slots that were used together lie together: then their order is as good as a sorted one. Sorted,
// slots of a slab, and of a word, stand together.
static bool is_scattered(void **slots, uint32_t count) {
    uint32_t jumps = 0;
    for (uint32_t i = 1; i < count; i++)
        jumps += ((uintptr_t)slots[i - 1] ^ (uintptr_t)slots[i]) >> GRANULE_SHIFT != 0;
    return jumps > count / 4;
}

void bin_return(const char *function, class_id id, void **slots, uint32_t count) {
    if (is_scattered(slots, count))
        sort_addresses(slots, count);
    for (uint32_t done = 0; done < count;) {
        struct slab *slab = bin_slab_of(function, id, bin_arena_byte(id), slots[done]);
        done += return_to_slab(function, slab, slots + done, count - done);
    }
}
