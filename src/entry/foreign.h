// entry/foreign.h - pointers that are not ours: libc's own function, or one line.
//
// The page map said CLASS_NONE. A block of libc's own malloc (RTLD_DEEPBIND plugins, early start,
// __libc_malloc) goes to libc; for anything else the answer is one line and abort, or with
// TIDE_FOREIGN=leak the line alone.
#pragma once
#include "base/base.h"

void   foreign_free(const char *function, void *pointer);
// NULL and EINVAL when the pointer was left alone (TIDE_FOREIGN=leak): the size is not known, so
// there is nothing to copy.
void  *foreign_realloc(const char *function, void *pointer, size_t bytes);
// 0 and EINVAL, then; malloc_usable_size itself keeps errno.
size_t foreign_usable_size(const char *function, const void *pointer);
