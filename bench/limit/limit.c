// bench/limit/limit.c - the limit: a malloc that takes the next bytes of a chunk and never frees.
//
// Less than this a malloc that returns fresh memory cannot do: no lock, no search, no size classes;
// a header of eight bytes, because malloc_usable_size and realloc must know the size. What it costs
// instead is memory, and with it page faults: rows that ask for more than the machine has leave it
// out.
//
// 1. A block's size stands in the eight bytes before it; blocks lie at multiples of 16.
// 2. A chunk belongs to one thread; what a thread leaves of it when it ends is lost. So there is
//    nothing to share, and nothing to do at a fork.
// 3. Blocks from LARGE_BYTES on have a mapping of their own and grow by mremap.
// 4. Memory is handed out once, so it is zero.
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum {
    ALIGNMENT = 16,
    HEADER_BYTES = 8,
    CHUNK_BYTES = 4 << 20,
    LARGE_BYTES = 1 << 20,
    PAGE_BYTES = 4096,
};
static const size_t BYTES_MAX = PTRDIFF_MAX - CHUNK_BYTES;

// The rest of this thread's chunk. `next` is HEADER_BYTES below a multiple of ALIGNMENT, or NULL.
static __thread char *next, *end;

static size_t *header(void *block) {
    return (size_t *)((char *)block - HEADER_BYTES);
}

static size_t round_up(size_t bytes, size_t to) {
    return (bytes + to - 1) & ~(to - 1);
}

// With its header a block fills whole steps of ALIGNMENT.
static size_t usable_bytes(size_t bytes) {
    return round_up(bytes + HEADER_BYTES, ALIGNMENT) - HEADER_BYTES;
}

static char *map(size_t bytes) {
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory != MAP_FAILED)
        return memory;
    errno = ENOMEM;
    return NULL;
}

static void *no_memory(void) {
    errno = ENOMEM;
    return NULL;
}

// --- large ---------------------------------------------------------------------------------------

// The block begins ALIGNMENT into its mapping and ends with it.
static size_t large_map_bytes(size_t bytes) {
    return round_up(bytes + ALIGNMENT, PAGE_BYTES);
}

// Blocks of a chunk are smaller, aligned ones lie elsewhere in their page.
static bool large_is_whole(void *block) {
    return *header(block) >= large_map_bytes(LARGE_BYTES) - ALIGNMENT &&
           (uintptr_t)block % PAGE_BYTES == ALIGNMENT;
}

static void *large_place(char *memory, size_t map_bytes) {
    char *block = memory + ALIGNMENT;
    *header(block) = map_bytes - ALIGNMENT;
    return block;
}

static void *large_allocate(size_t bytes) {
    size_t map_bytes = large_map_bytes(bytes);
    char  *memory = map(map_bytes);
    return memory ? large_place(memory, map_bytes) : NULL;
}

static void *large_grow(void *block, size_t bytes) {
    size_t map_bytes = large_map_bytes(bytes);
    char  *memory = mremap((char *)block - ALIGNMENT, *header(block) + ALIGNMENT, map_bytes,
                           MREMAP_MAYMOVE);
    return memory == MAP_FAILED ? no_memory() : large_place(memory, map_bytes);
}

// --- from the chunk ------------------------------------------------------------------------------

__attribute__((noinline)) static bool chunk_renew(void) {
    char *chunk = map(CHUNK_BYTES);
    if (!chunk)
        return false;
    next = chunk + HEADER_BYTES;
    end = chunk + CHUNK_BYTES;
    return true;
}

__attribute__((noinline)) static void *allocate_slow(size_t bytes) {
    if (bytes > BYTES_MAX)
        return no_memory();
    if (bytes >= LARGE_BYTES)
        return large_allocate(bytes);
    if (!chunk_renew())
        return NULL;
    size_t usable = usable_bytes(bytes);
    char  *block = next + HEADER_BYTES;
    *header(block) = usable;
    next = block + usable;
    return block;
}

static inline void *allocate(size_t bytes) {
    size_t usable = usable_bytes(bytes);
    if (__builtin_expect(bytes >= LARGE_BYTES || usable + HEADER_BYTES > (size_t)(end - next), 0))
        return allocate_slow(bytes);
    char *block = next + HEADER_BYTES;
    *header(block) = usable;
    next = block + usable;
    return block;
}

// `alignment`: a power of two. The block is cut from a larger one; its own header ends where the
// larger one's memory ends.
static void *allocate_aligned(size_t alignment, size_t bytes) {
    if (alignment <= ALIGNMENT)
        return allocate(bytes);
    if (bytes > BYTES_MAX || alignment > BYTES_MAX - bytes)
        return no_memory();
    char *whole = allocate(bytes + alignment);
    if (!whole)
        return NULL;
    char *block = (char *)round_up((uintptr_t)whole, alignment);
    *header(block) = *header(whole) - (size_t)(block - whole);
    return block;
}

static bool grow_in_place(char *block, size_t bytes) {
    size_t usable = usable_bytes(bytes);
    if (block + *header(block) != next || bytes >= LARGE_BYTES || usable > (size_t)(end - block))
        return false;
    *header(block) = usable;
    next = block + usable;
    return true;
}

// --- the family ----------------------------------------------------------------------------------

EXPORT void *malloc(size_t bytes) {
    return allocate(bytes);
}

EXPORT void free(void *block) {
    (void)block;
}

EXPORT void *calloc(size_t count, size_t bytes) {
    size_t total;
    return __builtin_mul_overflow(count, bytes, &total) ? no_memory() : allocate(total);
}

EXPORT void *realloc(void *block, size_t bytes) {
    if (!block)
        return allocate(bytes);
    if (bytes == 0)  // as glibc: this frees
        return NULL;
    size_t old = *header(block);
    if (bytes <= old)
        return block;
    if (bytes > BYTES_MAX)
        return no_memory();
    if (large_is_whole(block))
        return large_grow(block, bytes);
    if (grow_in_place(block, bytes))
        return block;
    void *moved = allocate(bytes);
    return moved ? memcpy(moved, block, old) : NULL;
}

EXPORT void *reallocarray(void *block, size_t count, size_t bytes) {
    size_t total;
    return __builtin_mul_overflow(count, bytes, &total) ? no_memory() : realloc(block, total);
}

static bool is_power(size_t value) {
    return value && !(value & (value - 1));
}

EXPORT void *aligned_alloc(size_t alignment, size_t bytes) {
    if (is_power(alignment))
        return allocate_aligned(alignment, bytes);
    errno = EINVAL;
    return NULL;
}

EXPORT void *memalign(size_t alignment, size_t bytes) {
    return aligned_alloc(alignment, bytes);
}

EXPORT int posix_memalign(void **result, size_t alignment, size_t bytes) {
    if (!is_power(alignment) || alignment % sizeof(void *))
        return EINVAL;
    int   before = errno;
    void *block = allocate_aligned(alignment, bytes);
    errno = before;
    if (!block)
        return ENOMEM;
    *result = block;
    return 0;
}

EXPORT void *valloc(size_t bytes) {
    return allocate_aligned(PAGE_BYTES, bytes);
}

EXPORT void *pvalloc(size_t bytes) {
    return bytes > BYTES_MAX ? no_memory()
                             : allocate_aligned(PAGE_BYTES, round_up(bytes, PAGE_BYTES));
}

EXPORT size_t malloc_usable_size(void *block) {
    return block ? *header(block) : 0;
}
