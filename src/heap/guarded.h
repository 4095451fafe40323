// heap/guarded.h - a few blocks on pages of their own between pages that nobody may touch.
//
//   | guard |        data, 64 KiB        | guard |        data, 64 KiB        | guard |   one pool
//            out of reach .. pages [block]
//
// Theory
//  1. The pool is one reservation, out of reach but for the pages of live blocks, which are the
//     last of their place. So an access behind a block's pages or before them fails, and the
//     handler says what was done to which block.
//  2. Three of four blocks stand at the end of their pages, as near as the alignment (16 and up)
//     lets them; the fourth at the start, for accesses before it. What is left of the pages holds a
//     pattern that is looked at when the block is freed.
//  3. A freed block's pages go back to the kernel and out of reach. Its place is the last to be
//     used again: places wait in a ring, and those never used come first.
//  4. The pool is not in the page map: to the fast paths its blocks are foreign, so they come to
//     the slow ones, where heap/block asks here.
//  5. Not in the pool: alignments above a page, more than GUARDED_MAX bytes.
// Of two who free a block at once one is told (guarded_pool.h).
// Lock: RANK_GUARDED around the ring; never held over a system call.
#pragma once
#include "heap/family.h"
#include "heap/guarded_pool.h"

// Makes a pool of `blocks` places, fewer where the address space is tight. False: no pool. Once,
// outside locks; may call malloc.
bool guarded_start(unsigned blocks);
// A block of this size, whose content is undefined; from the first one on accesses that fail are
// told. NULL: no place is free, or it does not fit.
COLD void *guarded_take(size_t bytes, size_t alignment);
// The size of the live block that starts at an address of the pool, in `*bytes`. False: none does.
bool guarded_find(uintptr_t address, size_t *bytes);
// A block just taken, by new: guarded_take made it one of malloc's.
void guarded_note_family(void *pointer, enum family family);
// Of a live block: fatal when `function` is none of its family.
void guarded_prove_family(const char *function, const void *pointer);
// A pointer that guarded_find knew: freed. Fatal when it is free by now, or the bytes around it
// were written to.
COLD void guarded_give(const char *function, void *pointer);
// Fatal unless each place is either live, with its pattern, or in the ring. No other thread may use
// the pool. For tests.
void guarded_check(void);

void guarded_fork_prepare(void);
void guarded_fork_parent(void);
void guarded_fork_child(void);
