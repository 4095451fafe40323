// page/source_map.c - regions of address space reserved PROT_NONE and committed in steps.
//
//   | committed: readable, writable | reserved: PROT_NONE |      64 MiB, less under RLIMIT_AS
//   base                            ^ region_end          base + reserved
//
// A reservation counts neither as commit nor as locked memory nor in a core dump. When the address
// space is tight the next reservation is 4 MiB, then exactly the need. A wholly free region is
// unmapped by a trim, or when memory is short.
#include "os/os.h"
#include "page/source.h"
#include "page/thp.h"

enum { REGION_LARGE = 64 << 20, REGION_SMALL = 4 << 20, STEP_MIN = 1 << 20 };

static struct source_map *from_source(struct source *source) {
    return CONTAINER_OF(source, struct source_map, source);
}

// Commits up to `wanted`, at least `need` bytes of the growing region's reserved tail.
static bool commit_more(struct source_map *map, size_t need, size_t wanted,
                        struct source_run *run) {
    struct region *region = map->growing;
    if (!region || region->reserved - region->committed < need)
        return false;
    size_t    bytes = min_size(wanted, region->reserved - region->committed);
    uintptr_t base = region_end(region);
    if (os_commit((void *)base, bytes) != 0) {
        bytes = need;
        if (os_commit((void *)base, bytes) != 0)
            return false;
    }
    region_commit(region, (intptr_t)bytes);
    *run = (struct source_run){region, base, bytes / GRANULE};
    return true;
}

// Huge pages would swell a small arena; the alignment lets a large one use them where the host says
// so.
static bool reserve(struct source_map *map, size_t bytes) {
    size_t alignment = bytes >= REGION_SMALL ? MIB(2) : GRANULE;
    void  *base = os_map(bytes, alignment, OS_RESERVED, "tidemalloc arena");
    if (!base)
        return false;
    struct region *region = region_new(&map->source, (uintptr_t)base, bytes);
    if (!region) {
        os_unmap(base, bytes);
        return false;
    }
    map->growing = region;
    return true;
}

static bool reserve_degrading(struct source_map *map, size_t need) {
    for (size_t bytes = map->region_bytes; bytes > need; bytes = bytes / 16) {
        if (reserve(map, bytes))
            return true;
        if (bytes <= REGION_SMALL)
            break;
        map->region_bytes = REGION_SMALL;
    }
    return reserve(map, need);
}

static void drop_if_empty(struct source_map *map) {
    struct region *region = map->growing;
    if (region->committed != 0)
        return;
    map->growing = NULL;
    os_unmap((void *)region->base, region->reserved);
    region_delete(region);
}

static bool grow(struct source *source, size_t granules, struct source_run *run) {
    struct source_map *map = from_source(source);
    size_t             need = granules * GRANULE, wanted = max_size(need, STEP_MIN);
    wanted = align_up(wanted, thp_alignment(MIB(2)));
    if (commit_more(map, need, wanted, run))
        return true;
    if (!reserve_degrading(map, need))
        return false;
    if (commit_more(map, need, wanted, run))
        return true;
    drop_if_empty(map);
    return false;
}

// The committed part does not shrink: purging already gave the memory back.
static size_t shrink(struct source *source, struct region *region, uintptr_t from) {
    (void)source;
    (void)region;
    (void)from;
    return 0;
}

static bool release(struct source *source, struct region *region) {
    struct source_map *map = from_source(source);
    if (os_unmap((void *)region->base, region->reserved) != 0)
        return false;
    if (map->growing == region)
        map->growing = NULL;
    map->region_bytes = REGION_LARGE;
    region_delete(region);
    return true;
}

void source_map_init(struct source_map *map) {
    *map = (struct source_map){
        .source = {.grow = grow, .shrink = shrink, .release = release},
        .region_bytes = REGION_LARGE};
    list_init(&map->source.regions);
}
