// tests/process/dl_late.c - a program that knows nothing of tidemalloc loads it with dlopen.
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { THREADS = 8 };

static void *(*late_malloc)(size_t);
static void *(*late_realloc)(void *, size_t);
static void (*late_free)(void *);
static size_t (*late_usable_size)(void *);
static bool (*late_owns)(const void *);

// POSIX promises that a function fits into what dlsym returns; C needs the copy.
static void find(void *library, const char *name, void *function, size_t function_bytes) {
    void *symbol = dlsym(library, name);
    CHECK(symbol != NULL && function_bytes == sizeof symbol);
    memcpy(function, &symbol, sizeof symbol);
}

static void find_all(void *library) {
    find(library, "malloc", &late_malloc, sizeof late_malloc);
    find(library, "realloc", &late_realloc, sizeof late_realloc);
    find(library, "free", &late_free, sizeof late_free);
    find(library, "malloc_usable_size", &late_usable_size, sizeof late_usable_size);
    find(library, "tide_owns", &late_owns, sizeof late_owns);
}

static void *work(void *arg) {
    for (size_t size = 1; size < 8 << 20; size = size * 3 / 2 + 1) {
        char *block = late_malloc(size);
        CHECK(block != NULL && late_owns(block) && late_usable_size(block) >= size);
        test_fill(block, size, size);
        block = late_realloc(block, 2 * size);
        CHECK(block != NULL && test_is_filled(block, size, size));
        late_free(block);
    }
    return arg;
}

// Blocks of the program's own malloc are libc's: ours hands them on.
static void exchange(void) {
    for (size_t size = 1; size < 1 << 20; size *= 3) {
        char *block = malloc(size);
        CHECK(block != NULL && !late_owns(block));
        test_fill(block, size, 3);
        CHECK(late_usable_size(block) >= size);
        block = late_realloc(block, 2 * size);
        CHECK(block != NULL && test_is_filled(block, size, 3));
        late_free(block);
    }
}

int main(void) {
    test_watchdog(30);
    CHECK(!test_has_tide());
    void *library = dlopen(TEST_LIBRARY, RTLD_NOW);
    if (library == NULL)
        test_fail(__FILE__, __LINE__, dlerror());
    find_all(library);
    work(NULL);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, work, NULL), 0);
    char *kept = late_malloc(1000);
    test_fill(kept, 1000, 9);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    exchange();
    // Closing changes nothing: blocks and functions outlive it.
    CHECK_EQ(dlclose(library), 0);
    CHECK(dlopen(TEST_LIBRARY, RTLD_NOW | RTLD_NOLOAD) != NULL);
    CHECK(test_is_filled(kept, 1000, 9) && late_owns(kept));
    late_free(kept);
    work(NULL);
    return 0;
}
