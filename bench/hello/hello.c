// bench/hello/hello.c - the least a program can do with malloc: what is left is the start.
//
// With an argument it prints the peak of its resident memory, in KiB.
#include "harness/process.h"

#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 100 };

int main(int count, char **words) {
    (void)words;
    char *volatile block = malloc(BLOCK_BYTES);
    if (!block)
        return 1;
    block[0] = 1;
    free(block);
    if (count > 1)
        printf("%llu\n", (unsigned long long)process_memory_now().peak_kib);
    return 0;
}
