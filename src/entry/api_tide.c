// entry/api_tide.c - the functions of include/tidemalloc.h.
#include <errno.h>

#include "entry/alloc.h"
#include "entry/api.h"
#include "entry/control.h"
#include "entry/init.h"
#include "entry/report.h"
#include "entry/trim.h"
#include "heap/emergency.h"
#include "heap/guarded_pool.h"
#include "heap/hardened.h"
#include "heap/user_heap.h"
#include "os/fail.h"
#include "tidemalloc.h"

EXPORT int tide_version(void) {
    return TIDE_VERSION_MAJOR * 10000 + TIDE_VERSION_MINOR * 100 + TIDE_VERSION_PATCH;
}

// --- blocks --------------------------------------------------------------------------------------

EXPORT size_t tide_usable_size(const void *block) {
    return alloc_usable_size("tide_usable_size", block);
}

EXPORT size_t tide_good_size(size_t bytes) {
    return alloc_good_size(bytes);
}

EXPORT FAST_PATH void tide_free_sized(void *block, size_t bytes) {
    if (UNLIKELY(!alloc_free_fast_sized(block, bytes, 1)))
        alloc_free_sized("tide_free_sized", block, bytes, 1);
}

EXPORT bool tide_realloc_inplace(void *block, size_t bytes) {
    return block && alloc_resize_inplace("tide_realloc_inplace", block, bytes);
}

EXPORT void *tide_rezalloc(void *block, size_t bytes) {
    return alloc_resize("tide_rezalloc", block, bytes, true);
}

EXPORT bool tide_owns(const void *pointer) {
    uintptr_t address = (uintptr_t)pointer;
    return page_map_class(address) != CLASS_NONE || guarded_owns(address) ||
           emergency_owns(address);
}

// --- memory, figures, options --------------------------------------------------------------------

EXPORT size_t tide_trim(size_t pad) {
    return trim_all(pad);
}

EXPORT void tide_stats(tide_stats_visit visit, void *data) {
    init_ensure();
    report_visit(visit, data);
}

EXPORT int tide_option_get(const char *name, char *value, size_t capacity) {
    init_ensure();
    return control_get(name, value, capacity);
}

EXPORT int tide_option_set(const char *name, const char *value) {
    init_ensure();
    return control_set(name, value);
}

// --- heaps ---------------------------------------------------------------------------------------

// The live block of this heap behind a pointer; anything else is fatal.
static struct block own_block(const char *function, const struct user_heap *heap, void *pointer) {
    struct block block = block_find(pointer);
    if (!block_is_live(&block))
        block_fail(function, pointer, &block);
    if (user_heap_of(&block) != heap) {
        // One that another thread frees meanwhile has no heap any more.
        struct block again = block_find(pointer);
        if (!block_is_live(&again))
            block_fail(function, pointer, &again);
        fail_block(function, pointer, "a ", block.usable, "-byte block of another heap");
    }
    return block;
}

static void *take_of_heap(struct user_heap *heap, size_t bytes) {
    return alloc_any(&(struct alloc_request){.bytes = bytes, .alignment = 1, .heap = heap});
}

EXPORT tide_heap *tide_heap_new(void) {
    int before = errno;
    init_ensure();
    struct user_heap *heap = user_heap_new();
    errno = heap ? before : ENOMEM;
    return heap ? (tide_heap *)heap->handle : NULL;
}

EXPORT void *tide_heap_malloc(tide_heap *heap, size_t bytes) {
    return take_of_heap(user_heap_prove("tide_heap_malloc", heap), bytes);
}

EXPORT void *tide_heap_realloc(tide_heap *heap, void *block, size_t bytes) {
    struct user_heap *proved = user_heap_prove("tide_heap_realloc", heap);
    if (!block)
        return take_of_heap(proved, bytes);
    own_block("tide_heap_realloc", proved, block);
    return alloc_resize("tide_heap_realloc", block, bytes, false);
}

EXPORT void tide_heap_free(tide_heap *heap, void *block) {
    if (!block)
        return;
    int          before = errno;
    struct block found =
        own_block("tide_heap_free", user_heap_prove("tide_heap_free", heap), block);
    block_claim("tide_heap_free", &found);
    alloc_give("tide_heap_free", &found);
    errno = before;
}

EXPORT void tide_heap_destroy(tide_heap *heap) {
    if (!heap)
        return;
    int               before = errno;
    struct user_heap *proved = user_heap_prove("tide_heap_destroy", heap);
    if (hardened_is_on())
        hardened_destroy(proved);
    else
        user_heap_destroy(proved);
    errno = before;
}
