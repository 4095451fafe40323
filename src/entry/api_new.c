// entry/api_new.c - the C++ operators new and delete, in C, under their mangled names.
//
// All 20 replaceable forms of C++17 ([new.delete]). A throwing new that finds no memory calls the
// new_handler until there is none, then throws bad_alloc through libstdc++'s (or libc++'s) own
// function, reached by weak references; without a C++ runtime it is one line and abort. A nothrow
// new does the same up to the throw and returns NULL instead. Built with -fexceptions: the
// exception passes through these frames.
#include "entry/alloc.h"
#include "os/fail.h"

#ifndef TIDE_PREFIX

typedef void (*new_handler)(void);
extern new_handler   get_new_handler(void) __asm__("_ZSt15get_new_handlerv") __attribute__((weak));
NORETURN extern void throw_in_libstdcxx(void) __asm__("_ZSt17__throw_bad_allocv")
    __attribute__((weak));
NORETURN extern void throw_in_libcxx(void) __asm__("_ZNSt3__117__throw_bad_allocEv")
    __attribute__((weak));

enum failure { THROWS, ANSWERS_NULL };

NOINLINE COLD static void throw_bad_alloc(void) {
    if (throw_in_libstdcxx)
        throw_in_libstdcxx();
    if (throw_in_libcxx)
        throw_in_libcxx();
    fail_pointer("operator new", NULL, "out of memory, and no C++ runtime to throw bad_alloc");
}

// `family`: FAMILY_NEW or FAMILY_NEW_ARRAY.
NOINLINE static void *new_slow(size_t bytes, size_t alignment, enum failure failure,
                               enum family family) {
    for (;;) {
        void *block =
            alignment == 1
                ? alloc_slow(bytes)
                : alloc_any(&(struct alloc_request){.bytes = bytes, .alignment = alignment});
        if (LIKELY(block != NULL)) {
            alloc_note_family(block, family);
            return block;
        }
        new_handler handler = get_new_handler ? get_new_handler() : NULL;
        if (!handler)
            break;
        handler();
    }
    if (failure == THROWS)
        throw_bad_alloc();
    return NULL;
}

ALWAYS_INLINE void *new_block(size_t bytes, enum failure failure, enum family family) {
    void *block;
    return LIKELY(alloc_fast(bytes, &block)) ? block : new_slow(bytes, 1, failure, family);
}
ALWAYS_INLINE void *new_aligned_block(size_t bytes, size_t alignment, enum failure failure,
                                      enum family family) {
    void *block;
    return LIKELY(alloc_fast_aligned(bytes, alignment, &block))
               ? block
               : new_slow(bytes, alignment, failure, family);
}
ALWAYS_INLINE void delete_sized_block(const char *function, void *pointer, size_t bytes,
                                      size_t alignment) {
    if (UNLIKELY(!alloc_free_fast_sized(pointer, bytes, alignment)))
        alloc_free_sized(function, pointer, bytes, alignment);
}
ALWAYS_INLINE void delete_block(const char *function, void *pointer) {
    if (UNLIKELY(!alloc_free_fast(pointer)))
        alloc_free(function, pointer);
}

#define NEW(mangled, failure, family)                                                              \
    EXPORT void           *mangled(size_t bytes);                                                  \
    EXPORT FAST_PATH void *mangled(size_t bytes) {                                                 \
        return new_block(bytes, failure, family);                                                  \
    }
#define NEW_NOTHROW(mangled, family)                                                               \
    EXPORT void           *mangled(size_t bytes, const void *tag);                                 \
    EXPORT FAST_PATH void *mangled(size_t bytes, const void *tag) {                                \
        (void)tag;                                                                                 \
        return new_block(bytes, ANSWERS_NULL, family);                                             \
    }
#define NEW_ALIGNED(mangled, failure, family)                                                      \
    EXPORT void           *mangled(size_t bytes, size_t alignment);                                \
    EXPORT FAST_PATH void *mangled(size_t bytes, size_t alignment) {                               \
        return new_aligned_block(bytes, alignment, failure, family);                               \
    }
#define NEW_ALIGNED_NOTHROW(mangled, family)                                                       \
    EXPORT void           *mangled(size_t bytes, size_t alignment, const void *tag);               \
    EXPORT FAST_PATH void *mangled(size_t bytes, size_t alignment, const void *tag) {              \
        (void)tag;                                                                                 \
        return new_aligned_block(bytes, alignment, ANSWERS_NULL, family);                          \
    }

NEW(_Znwm, THROWS, FAMILY_NEW)
NEW(_Znam, THROWS, FAMILY_NEW_ARRAY)
NEW_NOTHROW(_ZnwmRKSt9nothrow_t, FAMILY_NEW)
NEW_NOTHROW(_ZnamRKSt9nothrow_t, FAMILY_NEW_ARRAY)
NEW_ALIGNED(_ZnwmSt11align_val_t, THROWS, FAMILY_NEW)
NEW_ALIGNED(_ZnamSt11align_val_t, THROWS, FAMILY_NEW_ARRAY)
NEW_ALIGNED_NOTHROW(_ZnwmSt11align_val_tRKSt9nothrow_t, FAMILY_NEW)
NEW_ALIGNED_NOTHROW(_ZnamSt11align_val_tRKSt9nothrow_t, FAMILY_NEW_ARRAY)

#define DELETE_NAME "operator delete"
#define DELETE_ARRAY_NAME "operator delete[]"

#define DELETE(mangled, name)                                                                      \
    EXPORT void           mangled(void *pointer);                                                  \
    EXPORT FAST_PATH void mangled(void *pointer) {                                                 \
        delete_block(name, pointer);                                                               \
    }
#define DELETE_TAGGED(mangled, name, type)                                                         \
    EXPORT void           mangled(void *pointer, type tag);                                        \
    EXPORT FAST_PATH void mangled(void *pointer, type tag) {                                       \
        (void)tag;                                                                                 \
        delete_block(name, pointer);                                                               \
    }
#define DELETE_TAGGED_TWICE(mangled, name)                                                         \
    EXPORT void           mangled(void *pointer, size_t alignment, const void *tag);               \
    EXPORT FAST_PATH void mangled(void *pointer, size_t alignment, const void *tag) {              \
        (void)alignment;                                                                           \
        (void)tag;                                                                                 \
        delete_block(name, pointer);                                                               \
    }
#define DELETE_SIZED(mangled, name)                                                                \
    EXPORT void           mangled(void *pointer, size_t bytes);                                    \
    EXPORT FAST_PATH void mangled(void *pointer, size_t bytes) {                                   \
        delete_sized_block(name, pointer, bytes, 1);                                               \
    }
#define DELETE_SIZED_ALIGNED(mangled, name)                                                        \
    EXPORT void           mangled(void *pointer, size_t bytes, size_t alignment);                  \
    EXPORT FAST_PATH void mangled(void *pointer, size_t bytes, size_t alignment) {                 \
        delete_sized_block(name, pointer, bytes, alignment);                                       \
    }

DELETE(_ZdlPv, DELETE_NAME)
DELETE(_ZdaPv, DELETE_ARRAY_NAME)
DELETE_TAGGED(_ZdlPvRKSt9nothrow_t, DELETE_NAME, const void *)
DELETE_TAGGED(_ZdaPvRKSt9nothrow_t, DELETE_ARRAY_NAME, const void *)
DELETE_TAGGED(_ZdlPvSt11align_val_t, DELETE_NAME, size_t)
DELETE_TAGGED(_ZdaPvSt11align_val_t, DELETE_ARRAY_NAME, size_t)
DELETE_TAGGED_TWICE(_ZdlPvSt11align_val_tRKSt9nothrow_t, DELETE_NAME)
DELETE_TAGGED_TWICE(_ZdaPvSt11align_val_tRKSt9nothrow_t, DELETE_ARRAY_NAME)
DELETE_SIZED(_ZdlPvm, DELETE_NAME)
DELETE_SIZED(_ZdaPvm, DELETE_ARRAY_NAME)
DELETE_SIZED_ALIGNED(_ZdlPvmSt11align_val_t, DELETE_NAME)
DELETE_SIZED_ALIGNED(_ZdaPvmSt11align_val_t, DELETE_ARRAY_NAME)

#endif
