// base/base.h - attributes, assertions, alignment and checked arithmetic.
//
// Pure: no state, no system call, nothing but the C language. Everything here may be used by every
// floor, in any context (before start-up, in a signal handler, in a forked child).
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOT __attribute__((hot))
#define COLD __attribute__((cold, noinline))
#define NOINLINE __attribute__((noinline))
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define EXPORT __attribute__((visibility("default")))
#define NORETURN __attribute__((noreturn))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define UNUSED __attribute__((unused))
#define CACHE_LINE 64
#define CACHE_ALIGNED __attribute__((aligned(CACHE_LINE)))

// For a zero table much larger than what is used of it: a section behind all other zero data, so
// that the small variables stand together, in the fewest pages. (Names with this beginning are
// sections of zeroes to compilers; linkers give it a place of its own.) Also for what is sealed on
// pages of its own.
#define APART __attribute__((section(".sbss.apart")))

// True in the debug build: assertions, structure checkers and lock ranks are on. An ordinary
// constant, so that the checking code is compiled (and kept compiling) in every build.
#ifdef TIDE_DEBUG
enum { config_debug = 1 };
#else
enum { config_debug = 0 };
#endif

// An internal promise. Traps in the debug build, is an optimiser's hint in none: a broken promise
// must not turn into undefined behaviour in a release.
#define ASSERT(promise)                                                                            \
    do {                                                                                           \
        if (config_debug && UNLIKELY(!(promise)))                                                  \
            __builtin_trap();                                                                      \
    } while (0)

#define KIB(n) ((size_t)(n) << 10)
#define MIB(n) ((size_t)(n) << 20)
#define GIB(n) ((size_t)(n) << 30)

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))

// The unit of the page map: 64 KiB of address space, 64 KiB aligned. A whole number of OS pages
// wherever the kernel's page is 4, 16 or 64 KiB.
enum { GRANULE_SHIFT = 16 };
#define GRANULE ((size_t)1 << GRANULE_SHIFT)

// `alignment` must be a power of two in all of these.
ALWAYS_INLINE bool is_aligned(uintptr_t value, size_t alignment) {
    return (value & (alignment - 1)) == 0;
}
ALWAYS_INLINE uintptr_t align_down(uintptr_t value, size_t alignment) {
    return value & ~((uintptr_t)alignment - 1);
}
// Wraps to 0 when the result does not fit: callers bound `value` first.
ALWAYS_INLINE uintptr_t align_up(uintptr_t value, size_t alignment) {
    return (value + alignment - 1) & ~((uintptr_t)alignment - 1);
}
ALWAYS_INLINE bool is_power_of_two(size_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

// False on overflow; `*result` is then unspecified.
ALWAYS_INLINE bool checked_add(size_t a, size_t b, size_t *result) {
    return !__builtin_add_overflow(a, b, result);
}
ALWAYS_INLINE bool checked_mul(size_t a, size_t b, size_t *result) {
    return !__builtin_mul_overflow(a, b, result);
}

ALWAYS_INLINE size_t min_size(size_t a, size_t b) {
    return a < b ? a : b;
}
ALWAYS_INLINE size_t max_size(size_t a, size_t b) {
    return a > b ? a : b;
}

ALWAYS_INLINE size_t bytes_to_granules(size_t bytes) {
    return (bytes >> GRANULE_SHIFT) + ((bytes & (GRANULE - 1)) != 0);
}

// Plain loads and stores of words that one thread writes and others may look at: relaxed atomics,
// the same instructions as ordinary ones. For figures and hints; never to publish data.
#define PEEK(pointer) __atomic_load_n(pointer, __ATOMIC_RELAXED)
#define POKE(pointer, value) __atomic_store_n(pointer, value, __ATOMIC_RELAXED)

// The value, of which the compiler knows nothing from here on: it computes what follows from this
// value, instead of from what it was made of. No instruction.
ALWAYS_INLINE uintptr_t OPAQUE(uintptr_t value) {
    __asm__("" : "+r"(value));
    return value;
}

// The same for the fast path, as ordinary accesses: compilers do not fold an atomic one into the
// instruction that uses it. Each is one aligned word or byte, read or written once, so no looker
// sees half of it; the thread sanitizer, which knows no such reasoning, gets the atomic ones.
// POKE_ADD moves a pointer that the caller alone writes by `count` elements. STEP_DONE ends a step
// of the fast path at the pointer it moved: to who takes a sleeping thread's cache the kernel
// orders what the thread did before, which only the sanitizer has to be told.
#ifdef __SANITIZE_THREAD__
#define STEP_DONE(pointer) __atomic_store_n(pointer, PEEK(pointer), __ATOMIC_RELEASE)
#define GLANCE(pointer) PEEK(pointer)
#define POKE_ADD(pointer, count) POKE(pointer, PEEK(pointer) + (count))
#else
#define STEP_DONE(pointer) ((void)(pointer))
#define GLANCE(pointer) (*(pointer))
#define POKE_ADD(pointer, count) ((void)(*(pointer) += (count)))
#endif
