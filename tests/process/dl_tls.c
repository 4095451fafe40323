// tests/process/dl_tls.c - after 14 libraries with initial-exec storage ours still loads late.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/test.h"

enum { LIBRARIES = 14 };

static void load_one(int index) {
    char path[512], name[32];
    snprintf(path, sizeof path, TEST_HELPERS "/libtls_%d.so", index);
    snprintf(name, sizeof name, "tls_%d", index);
    void *library = dlopen(path, RTLD_NOW);
    if (library == NULL)
        test_fail(__FILE__, __LINE__, dlerror());
    char *(*storage)(void);
    void *symbol = dlsym(library, name);
    CHECK(symbol != NULL);
    memcpy(&storage, &symbol, sizeof storage);
    storage()[63] = (char)index;
}

int main(void) {
    test_watchdog(30);
    CHECK(!test_has_tide());
    for (int i = 0; i < LIBRARIES; i++)
        load_one(i);
    void *library = dlopen(TEST_LIBRARY, RTLD_NOW);
    if (library == NULL)
        test_fail(__FILE__, __LINE__, dlerror());
    void *(*late_malloc)(size_t);
    void (*late_free)(void *);
    void *malloc_symbol = dlsym(library, "malloc"), *free_symbol = dlsym(library, "free");
    CHECK(malloc_symbol != NULL && free_symbol != NULL);
    memcpy(&late_malloc, &malloc_symbol, sizeof late_malloc);
    memcpy(&late_free, &free_symbol, sizeof late_free);
    for (size_t size = 1; size < 4 << 20; size *= 2) {
        char *block = late_malloc(size);
        CHECK(block != NULL);
        block[size - 1] = 1;
        late_free(block);
    }
    return 0;
}
