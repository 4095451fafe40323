// page/page_map.c - makes leaves and writes entries; reading is in the header.
#include "page/page_map.h"

#include "os/lock.h"
#include "os/os.h"

struct page_map page_map APART;
// The first leaf. Most processes need one, or this and one for mapped memory.
static struct page_leaf own_leaf APART;

// One root for each 2^48 bytes above the first, of leaf addresses; NULL until something of ours
// lies there.
static struct page_leaf **high_root[PAGE_HIGH_ENTRIES] APART;
static struct lock        map_lock = LOCK_INIT(RANK_PAGE_MAP);
static size_t             leaf_count;  // written under the lock, read by anybody

const struct page_map_sight page_map_sight = {&leaf_count};

struct page_leaf *page_map_high_leaf(uintptr_t address) {
    size_t high = address >> 48;
    if (high >= PAGE_HIGH_ENTRIES)
        return NULL;
    // Acquire: pairs with the release in high_place_locked; the root behind the pointer is zero
    // pages.
    struct page_leaf **root = __atomic_load_n(&high_root[high], __ATOMIC_ACQUIRE);
    return root ? PEEK(&root[(address >> PAGE_LEAF_SHIFT) & (PAGE_ROOT_ENTRIES - 1)]) : NULL;
}

static void *map_table(size_t bytes) {
    return os_map(bytes, os_page_bytes(), OS_READ_WRITE, "tidemalloc page map");
}

// Where the leaf pointer of an address from 2^48 up stands, made if necessary; NULL: no memory or
// out of range.
static struct page_leaf **high_place_locked(uintptr_t address) {
    size_t index = address >> PAGE_LEAF_SHIFT, high = address >> 48;
    if (high >= PAGE_HIGH_ENTRIES)
        return NULL;
    if (!high_root[high]) {
        struct page_leaf **root = map_table(PAGE_ROOT_ENTRIES * sizeof *root);
        // Release: pairs with the acquire in page_map_high_leaf.
        __atomic_store_n(&high_root[high], root, __ATOMIC_RELEASE);
    }
    return high_root[high] ? &high_root[high][index & (PAGE_ROOT_ENTRIES - 1)] : NULL;
}

// Release: the mapping exists before its address does; pairs with the dependent loads of
// page_map_leaf and page_map_class_below.
static void publish_locked(uintptr_t address, struct page_leaf *leaf) {
    size_t index = address >> PAGE_LEAF_SHIFT;
    if (index < PAGE_ROOT_ENTRIES)
        __atomic_store_n(&page_map.leaf_at[index], (uintptr_t)leaf - (uintptr_t)page_map.nothing,
                         __ATOMIC_RELEASE);
    else
        __atomic_store_n(high_place_locked(address), leaf, __ATOMIC_RELEASE);
}

static bool make_leaf_locked(uintptr_t address) {
    bool is_high = address >> PAGE_LEAF_SHIFT >= PAGE_ROOT_ENTRIES;
    if (is_high && !high_place_locked(address))
        return false;
    struct page_leaf *leaf = leaf_count == 0 ? &own_leaf : map_table(sizeof *leaf);
    if (!leaf)
        return false;
    POKE(&leaf_count, leaf_count + 1);
    publish_locked(address, leaf);
    return true;
}

// Without a leaf the root is not looked at: a page of zeroes that was read faults again when it is
// written.
static bool has_leaf(uintptr_t address) {
    return PEEK(&leaf_count) > 0 && page_map_leaf(address);
}

static bool prepare_leaf(uintptr_t address) {
    if (has_leaf(address))
        return true;
    lock_acquire(&map_lock);
    bool done = has_leaf(address) || make_leaf_locked(address);
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

static void visit_leaf(const struct page_leaf *leaf, uintptr_t base,
                       void (*visit)(uintptr_t granule, class_id id)) {
    for (uintptr_t i = 0; leaf && i < PAGE_LEAF_GRANULES; i++) {
        class_id id = PEEK(&leaf->class_of[i]);
        if (id != CLASS_NONE)
            visit(base + i * GRANULE, id);
    }
}

void page_map_each(void (*visit)(uintptr_t granule, class_id id)) {
    for (uintptr_t high = 0; high < PAGE_HIGH_ENTRIES; high++) {
        uintptr_t base = high << 48;
        // Acquire: as in page_map_high_leaf.
        if (high > 0 && !__atomic_load_n(&high_root[high], __ATOMIC_ACQUIRE))
            continue;
        for (uintptr_t i = 0; i < PAGE_ROOT_ENTRIES; i++) {
            uintptr_t start = base + (i << PAGE_LEAF_SHIFT);
            visit_leaf(page_map_leaf(start), start, visit);
        }
    }
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
