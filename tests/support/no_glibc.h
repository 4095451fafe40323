// tests/support/no_glibc.h - declarations that glibc has in <malloc.h> and other libcs have not.
//
// The build puts it before every test where the libc is not glibc.
#pragma once
#include <stddef.h>
#include <stdio.h>

struct mallinfo2 {
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

struct mallinfo {
    int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

enum { M_TRIM_THRESHOLD = -1, M_TOP_PAD = -2, M_MMAP_THRESHOLD = -3, M_PERTURB = -6 };

int              malloc_trim(size_t pad);
int              mallopt(int param, int value);
struct mallinfo  mallinfo(void);
struct mallinfo2 mallinfo2(void);
int              malloc_info(int options, FILE *stream);
void             malloc_stats(void);
void            *pvalloc(size_t size);
