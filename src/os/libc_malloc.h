// os/libc_malloc.h - the malloc family's types and prototypes, whatever libc has of them.
//
// glibc's <malloc.h> declares mallinfo, mallinfo2, malloc_info and the rest; musl's only the
// allocating functions. What is missing is declared here as glibc's manual describes it.
#pragma once
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef __GLIBC__
struct mallinfo {
    int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
struct mallinfo2 {
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
struct mallinfo  mallinfo(void);
struct mallinfo2 mallinfo2(void);
int              malloc_info(int options, FILE *stream);
int              mallopt(int parameter, int value);
int              malloc_trim(size_t pad);
void             malloc_stats(void);
void            *pvalloc(size_t bytes);
#endif
