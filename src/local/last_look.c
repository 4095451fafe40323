// local/last_look.c - see last_look.h.
#include "local/last_look.h"

#include "base/sort.h"
#include "heap/hardened.h"
#include "os/fail.h"

NORETURN COLD static void fail_twice(class_id id, const void *slot) {
    fail_block("free", slot, "double free of a ", class_bytes(id), "-byte block");
}

static void prove(class_id id, const void *slot) {
    struct block block = block_find(slot);
    if (!block_is_live(&block))
        block_fail("free", slot, &block);
    // Its slab went, and the memory serves others.
    if (block.id != id)
        fail_twice(id, slot);
}

// Sorted in place: nobody but the owner uses their order, and he is at his end.
static void look_at_class(struct cache *cache, class_id id) {
    uint32_t count = (uint32_t)cache_held(cache, id);
    void   **slots = cache->top[id] - count + 1;
    if (hardened_is_on()) {
        for (uint32_t i = 0; i < count; i++)
            hardened_look(slots[i]);
        return;
    }
    sort_addresses(slots, count);
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && slots[i] == slots[i - 1])
            fail_twice(id, slots[i]);
        prove(id, slots[i]);
    }
}

void last_look(struct cache *cache) {
    if (cache->busy)
        return;
    // A fork by another thread would find arrays half sorted (caches_fork_child).
    POKE(&cache->busy, true);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    for (unsigned id = SMALL_CLASS_FIRST; id <= SMALL_CLASS_LAST; id++)
        if (cache->classes[id].room > 0)
            look_at_class(cache, (class_id)id);
    if (cache->front)
        front_each(cache->front, hardened_look);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    POKE(&cache->busy, false);
}
