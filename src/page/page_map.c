// page/page_map.c - makes leaves and writes entries; reading is in the header.
#include "page/page_map.h"

#include "os/lock.h"
#include "os/os.h"

struct page_leaf *page_map_root[PAGE_ROOT_ENTRIES];

// One root for each 2^48 bytes above the first; NULL until something of ours lies there.
static struct page_leaf **high_root[PAGE_HIGH_ENTRIES];
static struct lock        map_lock = LOCK_INIT(RANK_PAGE_MAP);
static size_t             leaf_count;  // written under the lock, read by anybody

struct page_leaf *page_map_high_leaf(uintptr_t address) {
    size_t high = address >> 48;
    if (high >= PAGE_HIGH_ENTRIES)
        return NULL;
    // Acquire: pairs with the release in high_place; the root behind the pointer is zero pages.
    struct page_leaf **root = __atomic_load_n(&high_root[high], __ATOMIC_ACQUIRE);
    return root ? PEEK(&root[(address >> PAGE_LEAF_SHIFT) & (PAGE_ROOT_ENTRIES - 1)]) : NULL;
}

static void *map_table(size_t bytes) {
    return os_map(bytes, os_page_bytes(), OS_READ_WRITE, "tidemalloc page map");
}

// Where the leaf pointer of an address stands, made if necessary; NULL: no memory or out of range.
static struct page_leaf **place_locked(uintptr_t address) {
    size_t index = address >> PAGE_LEAF_SHIFT, high = address >> 48;
    if (index < PAGE_ROOT_ENTRIES)
        return &page_map_root[index];
    if (high >= PAGE_HIGH_ENTRIES)
        return NULL;
    if (!high_root[high]) {
        struct page_leaf **root = map_table(PAGE_ROOT_ENTRIES * sizeof *root);
        // Release: pairs with the acquire in page_map_high_leaf.
        __atomic_store_n(&high_root[high], root, __ATOMIC_RELEASE);
    }
    return high_root[high] ? &high_root[high][index & (PAGE_ROOT_ENTRIES - 1)] : NULL;
}

static bool prepare_leaf(uintptr_t address) {
    if (page_map_leaf(address))
        return true;
    lock_acquire(&map_lock);
    struct page_leaf **place = place_locked(address);
    if (place && !*place) {
        struct page_leaf *leaf = map_table(sizeof *leaf);
        if (leaf)
            POKE(&leaf_count, leaf_count + 1);
        // Release: the mapping exists before its address does; pairs with the dependent load of
        // page_map_leaf.
        __atomic_store_n(place, leaf, __ATOMIC_RELEASE);
    }
    bool done = place && *place;
    lock_release(&map_lock);
    return done;
}

bool page_map_prepare(uintptr_t base, size_t granules) {
    const uintptr_t leaf_bytes = (uintptr_t)1 << PAGE_LEAF_SHIFT;
    uintptr_t       last = base + granules * GRANULE - 1;
    for (uintptr_t at = align_down(base, leaf_bytes); at <= last; at += leaf_bytes) {
        if (!prepare_leaf(at))
            return false;
        if (at + leaf_bytes < at)
            break;
    }
    return true;
}

void page_map_set_class(uintptr_t base, size_t granules, class_id id) {
    for (size_t i = 0; i < granules; i++) {
        uintptr_t at = base + i * GRANULE;
        POKE(&page_map_leaf(at)->class_of[page_leaf_index(at)], id);
    }
}

void page_map_set_span(uintptr_t granule, struct span *span) {
    POKE(&page_map_leaf(granule)->span_of[page_leaf_index(granule)], span);
}

size_t page_map_leaves(void) {
    return PEEK(&leaf_count);
}

void page_map_fork_prepare(void) {
    lock_acquire(&map_lock);
}
void page_map_fork_parent(void) {
    lock_release(&map_lock);
}
void page_map_fork_child(void) {
    lock_reset_in_child(&map_lock);
}
