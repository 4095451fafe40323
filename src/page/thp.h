// page/thp.h - transparent huge pages: what blocks get (TIDE_THP), and that what was given back
// stays so.
//
// khugepaged makes a huge page of a range in which only few small pages are left, and so fills
// what a purge gave back. Where the host hands out huge pages to our memory, a unit (the range of
// one huge page) that is purged in part is marked, so that it cannot be: the kernel then keeps its
// small pages. A marked unit that is purged as a whole is unmarked. Each mark may split a mapping,
// and no unmarking joins it again, because the kernel has no word for "as before": when there are
// too many, all of a region is marked at once, which splits nothing.
// On other hosts nothing here makes a system call but the look at the host at the first purge.
// Any thread, any lock; the records of a region outlive the calls, because its span is the
// caller's.
#pragma once
#include "page/source.h"

enum { THP_NEVER, THP_DEFAULT, THP_ALWAYS };  // TIDE_THP

enum { THP_MARKS_MAX = 4096 };  // units apart

// Fresh memory for blocks: says what TIDE_THP says. Not for records, which never want huge pages.
void thp_committed(void *address, size_t bytes);
// What a mapping for blocks of `bytes` is to be aligned to: 1 = nothing asks.
size_t thp_alignment(size_t bytes);
// Bytes of a unit; 0 where the kernel does not fill what was given back.
size_t thp_unit(void);
// Part of a region, whole OS pages, was given back.
void thp_purged(struct region *region, uintptr_t start, size_t bytes);
// A region's memory from `from` on is unmapped: its marks are no more.
void thp_forget(struct region *region, uintptr_t from);
