// heap/hollow.c - see hollow.h.
#include "heap/hollow.h"

#include "os/os.h"
#include "page/thp.h"

// Gives the free pages of a busy slab back; nobody takes from it meanwhile, so a free slot stays
// free.
static size_t punch(struct slab *slab) {
    uint32_t  slot = 0;
    uintptr_t start, end;
    size_t    bytes = 0;
    while (slab_next_hole(slab, &slot, &start, &end))
        if (os_purge((void *)start, end - start) == 0) {
            bytes += end - start;
            thp_purged(slab->span->region, start, end - start);
        }
    return bytes;
}

// The next slab of the tree, in (major, minor) order after a key, that may have new holes; made
// busy.
static struct slab *next_hollow_locked(struct bin *bin, uint64_t *major, uint64_t *minor) {
    struct tree_node *node;
    while ((node = tree_after(&bin->partial, *major, *minor)) != NULL) {
        struct slab *slab = CONTAINER_OF(node, struct slab, node);
        *major = node->major;
        *minor = node->minor;
        size_t free_bytes =
            (size_t)(slab->free_count + slab->high_water - slab->slot_count) * slab_bytes(slab);
        if (free_bytes < slab->hole_bytes + os_page_bytes())
            continue;
        bin_set_aside_locked(bin, slab);
        return slab;
    }
    return NULL;
}

size_t hollow_trim(struct bin *bin) {
    uint64_t major = 0, minor = 0;
    size_t   given = 0;
    lock_acquire(&bin->lock);
    bin_merge_locked(bin);
    struct slab *slab;
    while ((slab = next_hollow_locked(bin, &major, &minor)) != NULL) {
        uint32_t before = slab->hole_bytes;
        lock_release(&bin->lock);
        size_t bytes = punch(slab);
        given += bytes > before ? bytes - before : 0;
        lock_acquire(&bin->lock);
        bin_put_back_locked(bin, slab, bytes);
    }
    lock_release(&bin->lock);
    return given;
}
