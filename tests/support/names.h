// tests/support/names.h - the malloc family under the names of the build at hand.
//
// A sanitizer brings its own malloc, so sanitizer builds export the library's functions with the
// prefix tp_ and define TIDE_PREFIXED. A test that includes this header instead of <stdlib.h> and
// <malloc.h> means the library's functions in both builds. It must be the last header included:
// the macros would rename declarations in headers that come after it.
#pragma once
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef TIDE_PREFIXED
#define malloc tp_malloc
#define free tp_free
#define calloc tp_calloc
#define realloc tp_realloc
#define reallocarray tp_reallocarray
#define aligned_alloc tp_aligned_alloc
#define posix_memalign tp_posix_memalign
#define memalign tp_memalign
#define valloc tp_valloc
#define pvalloc tp_pvalloc
#define cfree tp_cfree
#define malloc_usable_size tp_malloc_usable_size
#define free_sized tp_free_sized
#define free_aligned_sized tp_free_aligned_sized
#define malloc_trim tp_malloc_trim
#define mallopt tp_mallopt
#define mallinfo() tp_mallinfo()  // with (): struct tags keep their names
#define mallinfo2() tp_mallinfo2()
#define malloc_info tp_malloc_info
#define malloc_stats tp_malloc_stats

void            *malloc(size_t size);
void             free(void *ptr);
void            *calloc(size_t count, size_t size);
void            *realloc(void *ptr, size_t size);
void            *reallocarray(void *ptr, size_t count, size_t size);
void            *aligned_alloc(size_t align, size_t size);
int              posix_memalign(void **out, size_t align, size_t size);
void            *memalign(size_t align, size_t size);
void            *valloc(size_t size);
void            *pvalloc(size_t size);
size_t           malloc_usable_size(void *ptr);
int              malloc_trim(size_t pad);
int              mallopt(int param, int value);
struct mallinfo  tp_mallinfo(void);
struct mallinfo2 tp_mallinfo2(void);
int              malloc_info(int options, FILE *stream);
void             malloc_stats(void);
#endif

// Not in the headers of the libc versions we build with, or no longer.
void cfree(void *ptr);
void free_sized(void *ptr, size_t size);
void free_aligned_sized(void *ptr, size_t align, size_t size);
