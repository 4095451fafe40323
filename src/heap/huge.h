// heap/huge.h - one block a mapping: above the huge threshold; a small cache of freed mappings.
//
// A huge block starts at its mapping, 64 KiB aligned or more; the mapping is a whole number of
// granules, the usable size the request rounded up to OS pages: what lies between costs address
// space only. It grows and shrinks by mremap; realloc leaves an eighth of room in address space, so
// that a block that grows by small steps asks the kernel rarely.
// Freed mappings wait, oldest first out, for a request they fit within a quarter: within
// TIDE_HUGE_CACHE bytes, several of them within what other free memory may keep, too
// (page/purge.h), and while there is traffic not longer than about a second. In the page map they
// are CLASS_FREE, so a double free is told.
// Lock: RANK_HUGE around the cache's list; never held over a system call. Blocks themselves belong
// to their holder.
#pragma once
#include "page/purge.h"

#define HUGE_NAME "tidemalloc huge"

// Before the first block: what unmapping and mapping again teaches goes there, and what may wait
// comes from there.
void huge_start(struct purge *purge);
// Blocks above this many bytes are huge: TIDE_HUGE_THRESHOLD. Where nobody set it that is 1 MiB
// until freed mappings were there and did not fit a request, or were unmapped too early; then 64
// MiB, for good: the program's sizes vary, and in the arenas freed memory is split and joined and
// used again without system calls. It is 64 MiB, too, while huge blocks have 16,000 mappings,
// whatever anybody set: the process may have 65530 in all (vm.max_map_count), stacks and files
// included, and the kernel joins neighbouring ones only until a block in between is freed.
size_t huge_threshold(void);
// A block in a freed mapping that fits, or NULL. To be asked first for every request above
// TIDE_HUGE_THRESHOLD, whatever was learned.
struct span *huge_reuse(size_t bytes, size_t alignment);
// `bytes` >= 1 up to PTRDIFF_MAX, `alignment` a power of two. NULL: no memory. span->state tells
// whether it reads as zero.
struct span *huge_take(size_t bytes, size_t alignment);
// A block between fences with as much room behind it, in address space, for one that grew once and
// may grow on. NULL: not here, or no memory as things are; huge_take.
struct span *huge_take_roomy(size_t bytes);
void         huge_give(struct span *span);
// True: done in place. What grows gets an eighth of room in address space where there is some.
bool huge_resize(struct span *span, size_t bytes);
// Grows by moving the pages (not copying), after huge_resize could not; shrinks in place. NULL:
// unchanged, no memory. The span stays the same record.
void *huge_move(struct span *span, size_t bytes);

// Unmaps freed mappings: those above the byte budget and those freed before `until_ns` (UINT64_MAX:
// all). Returns the bytes.
size_t huge_evict(uint64_t until_ns);
// All, on request: nothing is learned from it.
size_t huge_trim(void);
// Freed mappings that wait for reuse.
unsigned huge_cached_count(void);
// Evicts what is older than a second; cheap when nothing is due. Any slow path may call it, without
// locks.
void huge_tick(uint64_t now_ns);

// For the files of this module: the figures of a block, before (sign -1) and after (1) its size
// changes, and what it holds from now on, counted.
void huge_count(const struct span *span, int sign);
void huge_set_bytes(struct span *span, size_t bytes);

void huge_fork_prepare(void);
void huge_fork_parent(void);
void huge_fork_child(void);
