// tidemalloc.h - what tidemalloc offers beyond the malloc family. C11 and C++17.
//
// All functions may be called from any thread at any time unless said otherwise, and treat bad
// pointers as free does: one line on stderr naming function and pointer, then abort. errno is left
// as it was, but by a function that answers NULL for want of memory: it sets ENOMEM.
#ifndef TIDEMALLOC_H
#define TIDEMALLOC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define TIDE_NOEXCEPT noexcept
#else
#define TIDE_NOEXCEPT
#endif

#define TIDE_VERSION_MAJOR 0
#define TIDE_VERSION_MINOR 1
#define TIDE_VERSION_PATCH 0

// major * 10000 + minor * 100 + patch of the library at run time.
int tide_version(void) TIDE_NOEXCEPT;

// --- blocks -------------------------------------------------------------------------------------

// Bytes the program may use of a live block: at least what it asked for, the same until free or
// realloc, writable to the last byte, kept by realloc. 0 for NULL.
size_t tide_usable_size(const void *block) TIDE_NOEXCEPT;
// Bytes malloc(bytes) would really give: what tide_usable_size will say. 0 when it cannot be given
// (above PTRDIFF_MAX).
size_t tide_good_size(size_t bytes) TIDE_NOEXCEPT;
// free(block) with the size it was asked with; the size is verified, not trusted. Fatal, with one
// line, is a size above the block's usable size, or one that, rounded up to what such a request
// would get, is below half of it (a realloc that shrinks may leave a block twice as large as was
// asked). NULL is nothing.
void tide_free_sized(void *block, size_t bytes) TIDE_NOEXCEPT;
// Resizes without moving, `bytes` from 1 to PTRDIFF_MAX. True: the block has at least `bytes` now
// and counts as asked with them. False: unchanged, because what lies behind it is taken, because
// less than half of it would be used (realloc moves such a block), or because NULL was given.
bool tide_realloc_inplace(void *block, size_t bytes) TIDE_NOEXCEPT;
// realloc, with every byte between the old usable size and the new one zero. NULL and ENOMEM when
// it cannot; the old block is then unchanged. tide_rezalloc(NULL, n) is calloc(1, n); (p, 0) frees
// and returns NULL.
void *tide_rezalloc(void *block, size_t bytes) TIDE_NOEXCEPT;
// True when `pointer` lies in a block, a free range or a slab of this allocator. Never fatal.
bool tide_owns(const void *pointer) TIDE_NOEXCEPT;

// --- memory -------------------------------------------------------------------------------------

// malloc_trim(pad) with an answer in bytes: how much resident memory went back to the kernel.
size_t tide_trim(size_t pad) TIDE_NOEXCEPT;

// One call a figure, in a fixed order. `name` as in docs/tuning.md, `unit` is "bytes" or "count";
// both are constants. `visit` may allocate. Figures of a moment, not a snapshot.
typedef void (*tide_stats_visit)(const char *name, uint64_t value, const char *unit, void *data);
void tide_stats(tide_stats_visit visit, void *data) TIDE_NOEXCEPT;

// --- options ------------------------------------------------------------------------------------

// Writes the value of an option ("arenas", "purge_budget": the TIDE_ variables in lower case) as
// text that tide_option_set reads, with a final 0. The result, not errno, tells: 0, ENOENT (no such
// option) or ERANGE (`capacity` is too small; `value` is then unchanged).
int tide_option_get(const char *name, char *value, size_t capacity) TIDE_NOEXCEPT;
// Changes an option of the running process. The result: 0, ENOENT, EINVAL (not a value), ERANGE
// (outside its range), EPERM (read at start only) or EBUSY (in a signal handler that came while its
// own thread was changing an option: nothing is changed).
int tide_option_set(const char *name, const char *value) TIDE_NOEXCEPT;

// --- heaps --------------------------------------------------------------------------------------
// A heap is a set of blocks that can be freed all at once. Blocks of a heap are ordinary blocks
// otherwise: free, realloc and usable size work on them from any thread. No thread cache stands in
// front of a heap. What is no heap, or one that was destroyed, is told in one line, and fatal.

typedef struct tide_heap tide_heap;

// NULL and ENOMEM when there is no memory for its record.
tide_heap *tide_heap_new(void) TIDE_NOEXCEPT;
// As malloc: not zeroed. NULL and ENOMEM.
void *tide_heap_malloc(tide_heap *heap, size_t bytes) TIDE_NOEXCEPT;
// As realloc for a block of this heap (or NULL); a block that moves stays in the heap.
void *tide_heap_realloc(tide_heap *heap, void *block, size_t bytes) TIDE_NOEXCEPT;
// As free; fatal, with one line, when the block belongs to another heap or to none.
void tide_heap_free(tide_heap *heap, void *block) TIDE_NOEXCEPT;
// Frees every block of the heap and the heap itself. From any thread; no other call may use the
// heap or a block of it at the same time or later. NULL is nothing.
void tide_heap_destroy(tide_heap *heap) TIDE_NOEXCEPT;

#ifdef __cplusplus
}
#endif
#endif
