// entry/inspect.c - the tables of inspect.h. What a reader does with them is told in tools/tide.
#include "entry/inspect.h"

#include "conf/counters.h"
#include "conf/options.h"
#include "entry/version.h"
#include "heap/arena.h"
#include "heap/guarded_pool.h"
#include "heap/user_heap.h"
#include "local/caches.h"

#define MEMBER(type, member) ((struct type *)0)->member
#define ROW(type, member, target, bytes, count, pointer)                                           \
    {#type, #member, target, offsetof(struct type, member), bytes, count, pointer}

#define STRUCT(type) {#type, "", "", 0, sizeof(struct type), 1, 0}
#define NUMBER(type, member) ROW(type, member, "", sizeof MEMBER(type, member), 1, 0)
#define NUMBERS(type, member)                                                                      \
    ROW(type, member, "", sizeof MEMBER(type, member)[0], ARRAY_COUNT(MEMBER(type, member)), 0)
#define INSIDE(type, member, target) ROW(type, member, #target, sizeof(struct target), 1, 0)
#define INSIDES(type, member, target)                                                              \
    ROW(type, member, #target, sizeof(struct target), ARRAY_COUNT(MEMBER(type, member)), 0)
#define POINTER(type, member, target) ROW(type, member, #target, sizeof(void *), 1, 1)

// Targets that are no struct of ours: "text" (NUL-terminated), "number" (of a width that stands in
// the name), "pointer" (an array of addresses).
static const struct inspect_field fields[] = {
    STRUCT(list),
    POINTER(list, next, list),
    POINTER(list, prev, list),

    STRUCT(options_sight),
    POINTER(options_sight, rows, option_row),
    POINTER(options_sight, values, number64),
    POINTER(options_sight, origins, number8),
    STRUCT(option_row),
    POINTER(option_row, name, text),
    POINTER(option_row, variable, text),
    NUMBER(option_row, type),
    NUMBER(option_row, fallback),
    NUMBER(option_row, min),
    NUMBER(option_row, max),
    POINTER(option_row, zero, text),
    NUMBER(option_row, live),
    POINTER(option_row, alias, text),
    POINTER(option_row, tunable, text),
    POINTER(option_row, help, text),
    STRUCT(counters),
    NUMBERS(counters, value),
    STRUCT(size_class),
    NUMBER(size_class, bytes),
    NUMBER(size_class, granules),

    STRUCT(meta_sight),
    POINTER(meta_sight, chunks, pointer),
    POINTER(meta_sight, next, meta_reserve),
    POINTER(meta_sight, used_bytes, number64),
    STRUCT(meta_reserve),
    NUMBER(meta_reserve, base),
    NUMBER(meta_reserve, bytes),
    STRUCT(meta_chunk),
    POINTER(meta_chunk, next, meta_chunk),
    NUMBER(meta_chunk, bytes),
    STRUCT(page_map_sight),
    POINTER(page_map_sight, leaf_count, number64),
    STRUCT(page_map),
    NUMBERS(page_map, leaf_at),
    NUMBERS(page_map, nothing),
    STRUCT(page_leaf),
    NUMBERS(page_leaf, class_of),
    NUMBERS(page_leaf, span_of),
    STRUCT(span),
    NUMBER(span, base),
    NUMBER(span, granules),
    NUMBER(span, kind),
    NUMBER(span, bytes),
    NUMBER(span, resident),
    NUMBER(span, guard_before),
    NUMBER(span, guard_after),
    STRUCT(region),
    INSIDE(region, node, list),
    NUMBER(region, base),
    NUMBER(region, committed),
    NUMBER(region, reserved),
    STRUCT(source),
    NUMBER(source, shrinks),
    INSIDE(source, regions, list),
    NUMBER(source, committed_bytes),
    NUMBER(source, region_count),
    STRUCT(page_heap),
    POINTER(page_heap, source, source),
    POINTER(page_heap, fallback, source),
    NUMBER(page_heap, dirty_bytes),
    NUMBER(page_heap, clean_bytes),
    NUMBER(page_heap, active_bytes),

    STRUCT(guarded_pool),
    NUMBER(guarded_pool, base),
    NUMBER(guarded_pool, bytes),
    STRUCT(bin),
    NUMBER(bin, id),
    NUMBER(bin, slab_count),
    NUMBER(bin, taken),
    NUMBER(bin, touched),
    NUMBER(bin, hole_bytes),
    NUMBER(bin, pending),
    NUMBER(bin, refills),
    NUMBER(bin, flushes),
    NUMBER(bin, merged),
    STRUCT(arena_sight),
    POINTER(arena_sight, list, pointer),
    POINTER(arena_sight, limit, number32),
    POINTER(arena_sight, active, number32),
    STRUCT(arena),
    INSIDE(arena, pages, page_heap),
    INSIDES(arena, bins, bin),
    STRUCT(user_heap_sight),
    POINTER(user_heap_sight, heaps, list),
    STRUCT(user_heap),
    INSIDE(user_heap, node, list),
    INSIDES(user_heap, bins, bin),
    STRUCT(caches_sight),
    POINTER(caches_sight, all, pointer),
    STRUCT(cache_seat),
    POINTER(cache_seat, cache, cache),
    POINTER(cache_seat, next, cache_seat),
    NUMBER(cache_seat, state),
    NUMBER(cache_seat, is_clean),
    STRUCT(cache),
    NUMBERS(cache, top),
    INSIDES(cache, classes, cache_class),
    NUMBER(cache, bump),
    STRUCT(cache_class),
    NUMBER(cache_class, bottom),
    NUMBER(cache_class, room),
};

#define CONSTANT(group, name) {#group "." #name, name}
static const struct inspect_constant constants[] = {
    {"word.bytes", sizeof(void *)},
    CONSTANT(map, GRANULE_SHIFT),
    CONSTANT(map, PAGE_LEAF_SHIFT),
    CONSTANT(map, PAGE_ROOT_ENTRIES),
    CONSTANT(class, CLASS_NONE),
    CONSTANT(class, SMALL_CLASS_FIRST),
    CONSTANT(class, SMALL_CLASS_LAST),
    CONSTANT(class, CLASS_FREE),
    CONSTANT(class, CLASS_LARGE),
    CONSTANT(class, CLASS_HUGE),
    CONSTANT(class, CLASS_INSIDE),
    CONSTANT(class, CLASS_HEAP_SLAB),
    CONSTANT(class, CLASS_COUNT),
    CONSTANT(span, SPAN_FREE),
    CONSTANT(span, SPAN_HUGE),
    CONSTANT(arena, ARENAS_MAX),
    CONSTANT(cache_seat, CACHE_LIVE),
    CONSTANT(option, OPTION_COUNT),
    CONSTANT(option, OPTION_COUNT_TYPE),
    CONSTANT(option, OPTION_SIZE),
    CONSTANT(option, OPTION_TIME),
    CONSTANT(option, OPTION_PERCENT),
    CONSTANT(option, OPTION_BOOL),
    CONSTANT(option, OPTION_CHOICE),
    CONSTANT(option, OPTION_LIMIT),
    CONSTANT(option, OPTION_RATE),
    CONSTANT(bound, OPTION_PERCENT_MAX),
    CONSTANT(bound, OPTION_SHARE),
    CONSTANT(bound, OPTION_SHARE_MAX),
    CONSTANT(origin, ORIGIN_DEFAULT),
    CONSTANT(origin, ORIGIN_ALIAS),
    CONSTANT(origin, ORIGIN_TUNABLE),
    CONSTANT(origin, ORIGIN_TIDE),
    CONSTANT(origin, ORIGIN_PROGRAM),
#define COUNTER(name, ...) {"counter." #name, COUNTER_##name},
#include "conf/counters.def"
#undef COUNTER
};

static const struct inspect_root roots[] = {
    {"options", "options_sight", &options_sight},
    {"counters", "counters", &counters_process},
    {"size_classes", "size_class", size_class_table},
    {"meta", "meta_sight", &meta_sight},
    {"page_map", "page_map", &page_map},
    {"page_map_figures", "page_map_sight", &page_map_sight},
    {"guarded_pool", "guarded_pool", &guarded_pool},
    {"arenas", "arena_sight", &arena_sight},
    {"user_heaps", "user_heap_sight", &user_heap_sight},
    {"caches", "caches_sight", &caches_sight},
};

#define TABLE(rows) {rows, ARRAY_COUNT(rows), sizeof(rows)[0]}

// `used`: the note below names it, where no compiler looks.
__attribute__((used)) const struct inspect tide_inspect = {
    .magic = {'t', 'i', 'd', 'e', 'm', 'a', 'l', 'l', 'o', 'c', ' ', 's', 'i', 'g', 'h', 't'},
    .version = INSPECT_VERSION,
    .table_count = 3,
    .self = &tide_inspect,
    .release = VERSION_TEXT,
    .fields = TABLE(fields),
    .constants = TABLE(constants),
    .roots = TABLE(roots),
};

// In assembler, as no C expression is the distance of two objects; the linker keeps all notes.
__asm__(".pushsection .note.tidemalloc, \"a\", %note\n"
        ".balign 4\n"
        ".long 11, 4, 1\n"
        ".asciz \"tidemalloc\"\n"
        ".balign 4\n"
        ".long tide_inspect - .\n"
        ".popsection");
