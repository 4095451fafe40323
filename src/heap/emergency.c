// heap/emergency.c - see emergency.h.
#include "heap/emergency.h"

#include "conf/counters.h"
#include "os/os.h"

enum { UNIT = 64, LIVE = 1 };  // a word: bytes of the block that starts there, and whether it lives
#define AREA_MOST  MIB(16)
#define AREA_LEAST KIB(256)

struct area {
    uintptr_t base;   // of the blocks
    size_t    units;
    size_t    used;   // units; relaxed: what a block is, its word says
    uint32_t  words[];
};

// NULL until the first need. Release by who made it, acquire by everybody else: what the pointer
// leads to is written.
static struct area *the_area;

static struct area *find_area(void) {
    return __atomic_load_n(&the_area, __ATOMIC_ACQUIRE);
}

static size_t record_bytes(size_t bytes) {
    return align_up(sizeof(struct area) + bytes / UNIT * sizeof(uint32_t), os_page_bytes());
}

static struct area *map_area(size_t bytes) {
    struct area *area = os_map(record_bytes(bytes), os_page_bytes(), OS_READ_WRITE,
                               "tidemalloc emergency records");
    if (!area)
        return NULL;
    void *base = os_map(bytes, os_page_bytes(), OS_READ_WRITE, "tidemalloc emergency");
    if (!base) {
        os_unmap(area, record_bytes(bytes));
        return NULL;
    }
    area->base = (uintptr_t)base;
    area->units = bytes / UNIT;
    return area;
}

static void unmap_area(struct area *area) {
    os_unmap((void *)area->base, area->units * UNIT);
    os_unmap(area, record_bytes(area->units * UNIT));
}

static struct area *make_area(void) {
    struct area *area = map_area(AREA_MOST), *first = NULL;
    if (!area)
        area = map_area(AREA_LEAST);
    if (!area)
        return find_area();
    if (__atomic_compare_exchange_n(&the_area, &first, area, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return area;
    unmap_area(area);
    return first;
}

void *emergency_take(size_t bytes, size_t alignment) {
    if (bytes > AREA_MOST || alignment > AREA_MOST)
        return NULL;
    struct area *area = find_area();
    if (!area && !(area = make_area()))
        return NULL;
    size_t units = align_up(max_size(bytes, 1), UNIT) / UNIT, used = PEEK(&area->used), first;
    do {
        uintptr_t start = align_up(area->base + used * UNIT, max_size(alignment, UNIT));
        first = (start - area->base) / UNIT;
        if (first + units > area->units)
            return NULL;
    } while (!__atomic_compare_exchange_n(&area->used, &used, first + units, true,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    POKE(&area->words[first], (uint32_t)(units * UNIT) | LIVE);
    counters_add(&counters_process, COUNTER_emergency_blocks, 1);
    return (void *)(area->base + first * UNIT);
}

bool emergency_owns(uintptr_t address) {
    const struct area *area = find_area();
    return area && address - area->base < area->units * UNIT;
}

// The word of the unit that starts there; NULL: none does.
static uint32_t *word_of(uintptr_t address) {
    struct area *area = find_area();
    if (!emergency_owns(address) || !is_aligned(address, UNIT))
        return NULL;
    return &area->words[(address - area->base) / UNIT];
}

size_t emergency_find(uintptr_t address) {
    const uint32_t *word = word_of(address);
    uint32_t        value = word ? PEEK(word) : 0;
    return value & LIVE ? value - LIVE : 0;
}

// One exchange: of two who free a block one is told.
bool emergency_give(uintptr_t address) {
    uint32_t *word = word_of(address);
    return word && (__atomic_fetch_and(word, ~(uint32_t)LIVE, __ATOMIC_RELAXED) & LIVE);
}
