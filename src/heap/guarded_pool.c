// heap/guarded_pool.c - see guarded_pool.h.
#include "heap/guarded_pool.h"

APART struct guarded_pool guarded_pool;

size_t guarded_stride(void) {
    return os_page_bytes() + align_up(GUARDED_MAX, os_page_bytes());
}

uintptr_t guarded_end(const struct guarded_place *place) {
    return guarded_pool.base + (size_t)(place - guarded_pool.places + 1) * guarded_stride();
}

// 0 inside; the bytes before and behind are 1 away.
static size_t distance_to(const struct guarded_place *place, uintptr_t address) {
    uintptr_t end = place->base + place->bytes;
    if (address < place->base)
        return place->base - address;
    return address < end ? 0 : address - end + 1;
}

// The guard page in front of a place is counted to it, and may have been met from the one before.
struct guarded_place *guarded_nearest(uintptr_t address) {
    struct guarded_place *best = NULL;
    size_t                least = SIZE_MAX;
    size_t                middle = (address - guarded_pool.base) / guarded_stride();
    for (size_t i = middle ? middle - 1 : 0; i <= middle && i < guarded_pool.count; i++) {
        struct guarded_place *place = &guarded_pool.places[i];
        if (PEEK(&place->state) == GUARDED_NEVER || distance_to(place, address) >= least)
            continue;
        least = distance_to(place, address);
        best = place;
    }
    return best;
}
