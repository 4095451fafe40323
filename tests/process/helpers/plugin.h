// tests/process/helpers/plugin.h - what the plugin offers; the program finds it by dlsym.
#pragma once
#include <stddef.h>

void *plugin_malloc(size_t size);
void *plugin_calloc(size_t count, size_t size);
void *plugin_aligned(size_t align, size_t size);
void *plugin_realloc(void *block, size_t size);
char *plugin_strdup(const char *text);  // libc's strdup: it calls the malloc of the program
void  plugin_free(void *block);         // libc's free
