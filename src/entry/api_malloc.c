// entry/api_malloc.c - the malloc family: names, overflow checks, errno. The work is in alloc.
//
// Contract: C23 7.24.3, POSIX.1-2024, glibc manual "Replacing malloc". Size 0 is a block of its
// own. More than PTRDIFF_MAX and every overflow is NULL and ENOMEM. free keeps errno. realloc(p, 0)
// frees and returns NULL, as glibc's does.
#include <errno.h>
#include <string.h>

#include "entry/alloc.h"
#include "entry/api.h"
#include "entry/control.h"
#include "entry/init.h"
#include "entry/report.h"
#include "entry/trim.h"
#include "os/libc_malloc.h"
#include "os/os.h"

// Of C23, not yet in every libc's headers.
void API(free_sized)(void *pointer, size_t bytes);
void API(free_aligned_sized)(void *pointer, size_t alignment, size_t bytes);
void API(cfree)(void *pointer);
#ifdef TIDE_PREFIX
#include "entry/api_prefixed.h"
#endif

static void *out_of_memory(void) {
    errno = ENOMEM;
    return NULL;
}

EXPORT FAST_PATH void *API(malloc)(size_t bytes) {
    void *block;
    return LIKELY(alloc_fast(bytes, &block)) ? block : alloc_slow(bytes);
}

EXPORT FAST_PATH void API(free)(void *pointer) {
    if (UNLIKELY(!alloc_free_fast(pointer)))
        alloc_free("free", pointer);
}

// A loop of our own that clears small blocks costs more than libc's memset: see
// docs/performance.md.
EXPORT FAST_PATH void *API(calloc)(size_t count, size_t bytes) {
    size_t total;
    if (UNLIKELY(!checked_mul(count, bytes, &total)))
        return out_of_memory();
    void *block;
    if (LIKELY(alloc_fast(total, &block)))
        return memset(block, 0, total);
    return alloc_slow_zero(total);
}

EXPORT void *API(realloc)(void *pointer, size_t bytes) {
    return alloc_resize("realloc", pointer, bytes, false);
}

EXPORT void *API(reallocarray)(void *pointer, size_t count, size_t bytes) {
    size_t total;
    if (UNLIKELY(!checked_mul(count, bytes, &total)))
        return out_of_memory();
    return alloc_resize("reallocarray", pointer, total, false);
}

// --- aligned -------------------------------------------------------------------------------------

COLD static void *take_aligned_slow(size_t alignment, size_t bytes) {
    if (is_power_of_two(alignment))
        return alloc_any(&(struct alloc_request){.bytes = bytes, .alignment = alignment});
    errno = EINVAL;
    return NULL;
}

ALWAYS_INLINE void *take_aligned(size_t alignment, size_t bytes) {
    void *block;
    if (LIKELY(is_power_of_two(alignment)) &&
        LIKELY(alloc_fast_aligned(bytes, alignment, &block)))
        return block;
    return take_aligned_slow(alignment, bytes);
}

// C23 lets any supported alignment pass with any size.
EXPORT FAST_PATH void *API(aligned_alloc)(size_t alignment, size_t bytes) {
    return take_aligned(alignment, bytes);
}

// As glibc's, an alignment that is no power of two is rounded up to one.
EXPORT FAST_PATH void *API(memalign)(size_t alignment, size_t bytes) {
    if (alignment > (size_t)PTRDIFF_MAX + 1) {
        errno = EINVAL;
        return NULL;
    }
    return take_aligned(bits_round_up_power(alignment), bytes);
}

COLD static int posix_memalign_slow(void **block, size_t alignment, size_t bytes) {
    int   before = errno;
    void *taken = take_aligned_slow(alignment, bytes);
    errno = before;
    if (!taken)
        return ENOMEM;
    *block = taken;
    return 0;
}

EXPORT FAST_PATH int API(posix_memalign)(void **block, size_t alignment, size_t bytes) {
    void *taken;
    if (UNLIKELY(!is_power_of_two(alignment) || alignment % sizeof(void *) != 0))
        return EINVAL;
    if (UNLIKELY(!alloc_fast_aligned(bytes, alignment, &taken)))
        return posix_memalign_slow(block, alignment, bytes);
    *block = taken;
    return 0;
}

EXPORT FAST_PATH void *API(valloc)(size_t bytes) {
    init_ensure();
    return take_aligned(os_page_bytes(), bytes);
}

EXPORT FAST_PATH void *API(pvalloc)(size_t bytes) {
    init_ensure();
    if (bytes > PTRDIFF_MAX)
        return out_of_memory();
    return take_aligned(os_page_bytes(), align_up(max_size(bytes, 1), os_page_bytes()));
}

// --- giving back and asking ----------------------------------------------------------------------

EXPORT void API(cfree)(void *pointer) {
    alloc_free("cfree", pointer);
}

EXPORT FAST_PATH void API(free_sized)(void *pointer, size_t bytes) {
    if (UNLIKELY(!alloc_free_fast_sized(pointer, bytes, 1)))
        alloc_free_sized("free_sized", pointer, bytes, 1);
}

EXPORT FAST_PATH void API(free_aligned_sized)(void *pointer, size_t alignment, size_t bytes) {
    if (UNLIKELY(!alloc_free_fast_sized(pointer, bytes, alignment)))
        alloc_free_sized("free_aligned_sized", pointer, bytes, alignment);
}

EXPORT size_t API(malloc_usable_size)(void *pointer) {
    return alloc_usable_size("malloc_usable_size", pointer);
}

EXPORT int API(malloc_trim)(size_t pad) {
    return trim_all(pad) > 0;
}

EXPORT int API(mallopt)(int parameter, int value) {
    init_ensure();
    return control_mallopt(parameter, value);
}

EXPORT struct mallinfo2 API(mallinfo2)(void) {
    struct report_mallinfo info;
    init_ensure();
    report_mallinfo2(&info);
    return (struct mallinfo2){.arena = info.arena,
                              .ordblks = info.ordblks,
                              .smblks = info.smblks,
                              .hblks = info.hblks,
                              .hblkhd = info.hblkhd,
                              .usmblks = info.usmblks,
                              .fsmblks = info.fsmblks,
                              .uordblks = info.uordblks,
                              .fordblks = info.fordblks,
                              .keepcost = info.keepcost};
}

static int clamp_int(size_t value) {
    return value > INT32_MAX ? INT32_MAX : (int)value;
}

// The old form counts in int: what does not fit is shown as the largest int, never wrapped.
EXPORT struct mallinfo API(mallinfo)(void) {
    struct report_mallinfo info;
    init_ensure();
    report_mallinfo2(&info);
    return (struct mallinfo){.arena = clamp_int(info.arena),
                             .ordblks = clamp_int(info.ordblks),
                             .smblks = clamp_int(info.smblks),
                             .hblks = clamp_int(info.hblks),
                             .hblkhd = clamp_int(info.hblkhd),
                             .usmblks = clamp_int(info.usmblks),
                             .fsmblks = clamp_int(info.fsmblks),
                             .uordblks = clamp_int(info.uordblks),
                             .fordblks = clamp_int(info.fordblks),
                             .keepcost = clamp_int(info.keepcost)};
}

static void write_to_stream(void *data, const char *bytes, size_t count) {
    fwrite(bytes, 1, count, data);
}

EXPORT int API(malloc_info)(int options, FILE *stream) {
    if (options != 0)
        return EINVAL;
    init_ensure();
    report_write(REPORT_XML, write_to_stream, stream);
    return 0;
}

EXPORT void API(malloc_stats)(void) {
    init_ensure();
    report_to_fd(REPORT_TEXT, 2);
}

// In a static program libc's own malloc must not be pulled in by its inner names; in a shared one
// these stay libc's, so that a block from them is recognised as libc's.
#ifdef TIDE_STATIC
#define INNER(type, name, parameters, call)                                                        \
    EXPORT type name parameters;                                                                   \
    EXPORT type name parameters {                                                                  \
        return call;                                                                               \
    }
INNER(void *, __libc_malloc, (size_t bytes), malloc(bytes))
INNER(void, __libc_free, (void *pointer), free(pointer))
INNER(void *, __libc_calloc, (size_t count, size_t bytes), calloc(count, bytes))
INNER(void *, __libc_realloc, (void *pointer, size_t bytes), realloc(pointer, bytes))
INNER(void *, __libc_memalign, (size_t alignment, size_t bytes), memalign(alignment, bytes))
INNER(void *, __libc_valloc, (size_t bytes), valloc(bytes))
INNER(void *, __libc_pvalloc, (size_t bytes), pvalloc(bytes))
INNER(int, __posix_memalign, (void **block, size_t alignment, size_t bytes),
      posix_memalign(block, alignment, bytes))
#endif
