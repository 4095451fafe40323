// unit/heap/bins.h - bins on a page heap of the fake OS, taken from and given to as caches do.
#pragma once
#include "heap/bin.h"
#include "tests/support/death.h"
#include "tests/unit/pages.h"

// As the holder of the lock.
static inline uint32_t bins_take(struct bin *bin, void **out, uint32_t count) {
    lock_acquire(&bin->lock);
    uint32_t taken = bin_take_locked(bin, out, count);
    lock_release(&bin->lock);
    return taken;
}

static inline uint32_t bins_give(struct bin *bin, void **slots, uint32_t count) {
    lock_acquire(&bin->lock);
    uint32_t others = bin_give_locked(bin, "free", slots, count);
    lock_release(&bin->lock);
    return others;
}

static inline struct slab *slab_at(const void *slot) {
    return page_map_span((uintptr_t)slot)->slab;
}
