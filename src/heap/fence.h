// heap/fence.h - unreadable memory of a hardened process: around blocks of their own, before slabs,
// and where such blocks were.
//
//   | 1 to 4 granules | block ........ | rest of its last granule, 1 to 4 granules |
//     unreadable        whole OS pages   unreadable
//
// A block's mapping is reserved whole and committed where the block is, so that what lies around
// it is nobody's; how long the two parts are is left to chance. A block that realloc grows takes
// pages from the part behind it, as long as some of that stays. When the block is freed its memory
// goes back, or on (heap/aside.h), and its place stays unreadable, first in first out, within
// TIDE_RETIRED bytes of address space and RETIRED_MAX blocks: who uses it after free is stopped,
// and nobody else gets it meanwhile. Each unreadable range costs a mapping or two, and a process
// may have 65530 (vm.max_map_count): from FENCES_MAX ranges on there are no more, and blocks and
// slabs do without.
// Lock: RANK_HUGE around the list; never held over a system call.
#pragma once
#include "page/span.h"

enum { FENCES_MAX = 12288, RETIRED_MAX = 1024 };

// TIDE_HARDENED and TIDE_GUARD_PAGES.
bool fence_is_on(void);
// Slabs are to have one each. Not where RLIMIT_DATA is set: what is unreadable does not count
// there, so to take a fence away needs room that others may have used up by then.
bool fence_is_on_slabs(void);
// Makes a range of whole OS pages unreadable. False: there are too many, or the kernel refuses; it
// stays as it is, but its content is undefined. A system call: no locks.
bool fence_make(void *address, size_t bytes);
// The reverse. False: the kernel refuses; it stays unreadable.
bool fence_remove(void *address, size_t bytes);

// Memory for the span: sets its base, at a multiple of `alignment` (a granule or more), and its
// guards, which tell how many granules around it are unreadable; the first `bytes`, rounded up to
// pages, are readable and zero. `roomy`: behind it as many more as it has, for fence_grow. False:
// no memory, or too many fences.
bool fence_map(struct span *span, size_t bytes, size_t alignment, const char *name, bool roomy);
// The memory of the first `bytes` of a block, whole OS pages, goes to a new place between fences,
// with room: a new record. The old place stays, without memory, for fence_retire. NULL: it stays
// where it is, and its content is undefined.
struct span *fence_carry(struct span *span, size_t bytes, size_t alignment, const char *name);
// The block of span->bytes has `bytes` where it is: what was unreadable behind it becomes readable,
// and zero. False: too little is there, or the kernel refuses; nothing changed.
bool fence_grow(struct span *span, size_t bytes);
// Unmaps the place of a block with what lies around it. An errno value: it is mapped still.
int fence_unmap(const struct span *span);
// The freed block's memory goes back; its place is this module's from now on, or unmapped at once.
// False: the kernel refused both, and the span is the caller's still.
bool fence_retire(struct span *span);
// Unmaps all that is retired, where address space is short; so many bytes of it.
size_t fence_release_all(void);

void fence_fork_prepare(void);
void fence_fork_parent(void);
void fence_fork_child(void);
