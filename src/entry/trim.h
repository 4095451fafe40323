// entry/trim.h - malloc_trim: everything that is free goes back to the kernel.
#pragma once
#include "base/base.h"

// Drains the calling thread's cache, merges what came back, gives back dirty spans, free pages
// inside slabs, empty regions, freed mappings and the end of the data segment but for `pad` bytes.
// One trim at a time; no lock is held over a system call that gives pages back. Returns the bytes
// given back.
size_t trim_all(size_t pad);
