// page/source.c - records of regions, common to all sources.
#include "page/source.h"

static struct meta_pool region_pool = META_POOL(struct region);

struct region *region_new(struct source *source, uintptr_t base, size_t reserved) {
    struct region *region = meta_take(&region_pool);
    if (!region)
        return NULL;
    region->source = source;
    region->base = base;
    region->committed = 0;
    region->reserved = reserved;
    for (unsigned i = 0; i < ARRAY_COUNT(region->no_huge); i++)
        region->no_huge[i] = region->apart[i] = 0;
    list_append(&source->regions, &region->node);
    POKE(&source->region_count, source->region_count + 1);
    return region;
}

void region_commit(struct region *region, intptr_t bytes) {
    region->committed += (size_t)bytes;
    POKE(&region->source->committed_bytes, region->source->committed_bytes + (size_t)bytes);
}

void region_delete(struct region *region) {
    region_commit(region, -(intptr_t)region->committed);
    POKE(&region->source->region_count, region->source->region_count - 1);
    list_remove(&region->node);
    meta_give(&region_pool, region);
}
