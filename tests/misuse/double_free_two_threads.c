// expect: tidemalloc: free(0x*): double free of a 64-byte block
// tests/misuse/double_free_two_threads.c - one block in the caches of two threads, one of which is
// still running at the end.
#include <pthread.h>
#include <stdlib.h>

#include "tests/support/test.h"

static void *free_it(void *block) {
    void *other = test_hide(malloc(64));
    free(other);
    free(block);
    return NULL;
}

int main(void) {
    pthread_t thread;
    void     *keep = test_hide(malloc(64)), *block = test_hide(malloc(64));
    free(block);
    pthread_create(&thread, NULL, free_it, block);
    pthread_join(thread, NULL);
    CHECK(keep != NULL);
    return 0;
}
