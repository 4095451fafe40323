// tests/process/helpers/plugin.c - a plugin for RTLD_DEEPBIND: its malloc is libc's own.
#include "tests/process/helpers/plugin.h"

#include <stdlib.h>
#include <string.h>

void *plugin_malloc(size_t size) {
    return malloc(size);
}

void *plugin_calloc(size_t count, size_t size) {
    return calloc(count, size);
}

void *plugin_aligned(size_t align, size_t size) {
    return aligned_alloc(align, size);
}

void *plugin_realloc(void *block, size_t size) {
    return realloc(block, size);
}

char *plugin_strdup(const char *text) {
    return strdup(text);
}

void plugin_free(void *block) {
    free(block);
}
