// entry/api_prefixed.h - declarations of the malloc family under the test builds' prefix.
#pragma once
#include "entry/api.h"
#include "os/libc_malloc.h"

void            *API(malloc)(size_t bytes);
void             API(free)(void *pointer);
void            *API(calloc)(size_t count, size_t bytes);
void            *API(realloc)(void *pointer, size_t bytes);
void            *API(reallocarray)(void *pointer, size_t count, size_t bytes);
void            *API(aligned_alloc)(size_t alignment, size_t bytes);
void            *API(memalign)(size_t alignment, size_t bytes);
int              API(posix_memalign)(void **block, size_t alignment, size_t bytes);
void            *API(valloc)(size_t bytes);
void            *API(pvalloc)(size_t bytes);
size_t           API(malloc_usable_size)(void *pointer);
int              API(malloc_trim)(size_t pad);
int              API(mallopt)(int parameter, int value);
struct mallinfo2 API(mallinfo2)(void);
struct mallinfo  API(mallinfo)(void);
int              API(malloc_info)(int options, FILE *stream);
void             API(malloc_stats)(void);
