// tests/process/helpers/not_in_libc.c - the functions that libc does not have, for the linker.
//
// A program that is not linked with tidemalloc finds them here at link time; a preloaded library
// that has them comes first at run time. A call that ends here means that it has not.
#include <stddef.h>
#include <stdlib.h>

void free_sized(void *ptr, size_t size);
void free_aligned_sized(void *ptr, size_t align, size_t size);
void cfree(void *ptr);

void free_sized(void *ptr, size_t size) {
    (void)ptr;
    (void)size;
    abort();
}

void free_aligned_sized(void *ptr, size_t align, size_t size) {
    (void)ptr;
    (void)align;
    (void)size;
    abort();
}

void cfree(void *ptr) {
    (void)ptr;
    abort();
}
