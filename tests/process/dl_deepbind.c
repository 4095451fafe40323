// tests/process/dl_deepbind.c - a plugin opened with RTLD_DEEPBIND has libc's malloc and exchanges
// blocks with the program: what libc made goes back to libc.
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/process/helpers/plugin.h"
#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { MIB = 1 << 20, MANY = 500, THREADS = 10, CYCLES = 300 };

static __typeof__(&plugin_malloc)  its_malloc;
static __typeof__(&plugin_calloc)  its_calloc;
static __typeof__(&plugin_aligned) its_aligned;
static __typeof__(&plugin_strdup)  its_strdup;
static __typeof__(&plugin_free)    its_free;

static void *find(void *plugin, const char *name) {
    void *symbol = dlsym(plugin, name);
    CHECK(symbol != NULL);
    return symbol;
}

// POSIX promises that a function fits into what dlsym returns; C needs the copy.
static void open_plugin(void) {
    void *plugin = dlopen(TEST_HELPERS "/libplugin.so", RTLD_NOW | RTLD_DEEPBIND);
    if (plugin == NULL)
        test_fail(__FILE__, __LINE__, dlerror());
    void *symbols[] = {find(plugin, "plugin_malloc"), find(plugin, "plugin_calloc"),
                       find(plugin, "plugin_aligned"), find(plugin, "plugin_strdup"),
                       find(plugin, "plugin_free")};
    memcpy(&its_malloc, &symbols[0], sizeof its_malloc);
    memcpy(&its_calloc, &symbols[1], sizeof its_calloc);
    memcpy(&its_aligned, &symbols[2], sizeof its_aligned);
    memcpy(&its_strdup, &symbols[3], sizeof its_strdup);
    memcpy(&its_free, &symbols[4], sizeof its_free);
}

static void exchange_size(size_t size) {
    free(its_malloc(size));
    free(its_calloc(1, size));
    free(its_aligned(256, size));
    char *block = its_malloc(size);
    CHECK(block != NULL && malloc_usable_size(block) >= size);
    test_fill(block, size, size);
    block = realloc(block, 3 * size + 1);
    CHECK(block != NULL && test_is_filled(block, size, size));
    CHECK(malloc_usable_size(block) >= 3 * size + 1);
    block = realloc(block, size / 2 + 1);
    CHECK(block != NULL && test_is_filled(block, size / 2, size));
    free(block);
    block = its_malloc(size);
    CHECK(realloc(block, 0) == NULL);
}

static void exchange_many(void) {
    static char *blocks[MANY];
    for (size_t i = 0; i < MANY; i++) {
        CHECK((blocks[i] = i % 2 ? its_malloc(i + 1) : malloc(i + 1)) != NULL);
        test_fill(blocks[i], i + 1, i);
    }
    for (size_t i = 0; i < MANY; i++) {
        CHECK(test_is_filled(blocks[i], i + 1, i));
        free(blocks[i]);
    }
    char *text = its_strdup("a text that libc copies with the malloc of the program");
    CHECK(text != NULL && strlen(text) == 54);
    free(text);
    its_free(its_malloc(100));
}

// In a thread libc takes another of its arenas, far away from its first.
static void *thread_main(void *arg) {
    for (size_t size = 1; size < 3 * MIB; size = size * 3 + 5)
        exchange_size(size);
    return arg;
}

// The blocks are really freed: 300 MB pass through.
static void check_freed(size_t size) {
    free(its_malloc(size));
    size_t base = proc_rss();
    for (int i = 0; i < CYCLES; i++) {
        char *block = its_malloc(size);
        CHECK(block != NULL);
        memset(block, 1, size);
        free(block);
    }
    CHECK_LE(proc_rss(), base + 8 * MIB);
}

int main(void) {
    test_watchdog(30);
    test_need_tide();
    open_plugin();
    for (size_t size = 0; size < 3 * MIB; size = size * 2 + 1)
        exchange_size(size);
    exchange_many();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, thread_main, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    check_freed(1 * MIB);
    check_freed(100 * 1000);
    return 0;
}
