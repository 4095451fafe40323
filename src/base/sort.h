// base/sort.h - an array of addresses in their order.
#pragma once
#include "base/base.h"

// Shell sort: no recursion, no memory, good for the thousand slots that a stack has at most.
static inline void sort_addresses(void **slots, uint32_t count) {
    static const uint32_t gaps[] = {701, 301, 132, 57, 23, 10, 4, 1};
    for (unsigned g = 0; g < ARRAY_COUNT(gaps); g++) {
        for (uint32_t i = gaps[g]; i < count; i++) {
            void    *slot = slots[i];
            uint32_t at = i;
            for (; at >= gaps[g] && (uintptr_t)slots[at - gaps[g]] > (uintptr_t)slot; at -= gaps[g])
                slots[at] = slots[at - gaps[g]];
            slots[at] = slot;
        }
    }
}
