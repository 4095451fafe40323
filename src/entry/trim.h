// entry/trim.h - malloc_trim: everything that is free goes back to the kernel.
#pragma once
#include "base/base.h"

// Drains the calling thread's cache and those of threads that sleep in the kernel, merges what came
// back, gives back dirty spans, free pages inside slabs, empty regions, freed mappings and the end
// of the data segment but for `pad` bytes.
// Any thread; several may trim at once. No lock is held over a system call that gives pages back.
// Returns how many resident bytes went back; address space does not count. Keeps errno.
size_t trim_all(size_t pad);
