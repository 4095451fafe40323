// heap/hardened_small.c - see hardened_small.h.
#include "heap/hardened_small.h"

#include <errno.h>

#include "heap/fence.h"

void place_make_fence(struct slab *slab) {
    uint8_t due = SLAB_FENCE_DUE;
    // Relaxed: who frees the slab's last slot comes after, through the bin's lock or the hand-back.
    if (!__atomic_compare_exchange_n(&slab->fence, &due, SLAB_FENCED, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED))
        return;
    int before = errno;
    if (!fence_make((void *)slab->span->base, slab->base - slab->span->base))
        POKE(&slab->fence, SLAB_OPEN);
    errno = before;
}
