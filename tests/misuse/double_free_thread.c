// expect: tidemalloc: free(0x*): double free of a 208-byte block
// tests/misuse/double_free_thread.c - the same block freed by two threads.
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/support/test.h"

static void *free_it(void *block) {
    free(block);
    return NULL;
}

int main(void) {
    pthread_t thread;
    void     *blocks[8];
    for (int i = 0; i < 8; i++)  // the others stay: the slab does not become empty
        blocks[i] = test_hide(malloc(200));
    void *block = blocks[3];
    pthread_create(&thread, NULL, free_it, block);
    pthread_join(thread, NULL);
    free(test_hide(block));
    malloc_trim(0);
    return 0;
}
