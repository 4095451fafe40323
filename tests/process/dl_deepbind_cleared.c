// tests/process/dl_deepbind_cleared.c - with libtidemalloc-deepbind.so preloaded a plugin that is
// opened with RTLD_DEEPBIND exchanges blocks with the program both ways. Without it the plugin's
// free ends in libc's abort.
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>

#include "tests/process/helpers/plugin.h"
#include "tests/support/proc.h"
#include "tests/support/test.h"

static __typeof__(&plugin_malloc)  its_malloc;
static __typeof__(&plugin_realloc) its_realloc;
static __typeof__(&plugin_strdup)  its_strdup;
static __typeof__(&plugin_free)    its_free;

// By its name alone: only the RUNPATH of this program finds it, so libc has to see who calls.
static void open_plugin(void *(*open)(const char *, int)) {
    void *plugin = open("libplugin.so", RTLD_NOW | RTLD_DEEPBIND);
    if (plugin == NULL)
        test_fail(__FILE__, __LINE__, dlerror());
    void *symbols[] = {dlsym(plugin, "plugin_malloc"), dlsym(plugin, "plugin_realloc"),
                       dlsym(plugin, "plugin_strdup"), dlsym(plugin, "plugin_free")};
    memcpy(&its_malloc, &symbols[0], sizeof its_malloc);
    memcpy(&its_realloc, &symbols[1], sizeof its_realloc);
    memcpy(&its_strdup, &symbols[2], sizeof its_strdup);
    memcpy(&its_free, &symbols[3], sizeof its_free);
    CHECK(its_malloc && its_realloc && its_strdup && its_free);
}

static void *open_in_base(const char *path, int mode) {
    return dlmopen(LM_ID_BASE, path, mode);
}

static void exchange(size_t size) {
    its_free(malloc(size));
    free(its_malloc(size));
    char *block = malloc(size);
    CHECK(block != NULL);
    test_fill(block, size, size);
    block = its_realloc(block, 3 * size + 1);
    CHECK(block != NULL && test_is_filled(block, size, size));
    block = realloc(block, size + 1);
    CHECK(block != NULL && test_is_filled(block, size, size));
    its_free(block);
    its_free(its_strdup("a text that libc copies"));
    free(its_strdup("another"));
}

static int child(bool by_dlmopen) {
    open_plugin(by_dlmopen ? open_in_base : dlopen);
    for (size_t size = 0; size < (size_t)3 << 20; size = size * 2 + 1)
        exchange(size);
    return 0;
}

static void run(const char *mode, const char *preload, struct proc_result *result) {
    static const char *const drop[] = {"LD_PRELOAD", NULL};
    const char              *extra[] = {preload, NULL};
    const char              *arguments[] = {proc_self(), mode, NULL};
    proc_run(arguments, proc_environment(drop, extra), 60, result);
}

int main(int argc, char **argv) {
    static struct proc_result result;
    test_watchdog(120);
    test_need_tide();
    if (argc > 1)
        return child(strcmp(argv[1], "dlmopen") == 0);
    for (unsigned i = 0; i < 2; i++) {
        run(i == 0 ? "dlopen" : "dlmopen", "LD_PRELOAD=" TEST_DEEPBIND, &result);
        if (result.hung || result.signal != 0 || result.status != 0)
            test_fail(__FILE__, __LINE__, result.err);
    }
    run("dlopen", NULL, &result);
    CHECK_EQ(result.signal, SIGABRT);
    return 0;
}
