// heap/aside.h - the memory of a freed block of a hardened process waits elsewhere for the next.
//
// The block's place stays unreadable (heap/fence.h). A fault a page is what a new block costs most,
// so its memory is cleared and moved, by the kernel and without a copy, to a new place: between
// fences of its own, to which nobody has a pointer. That place waits among the freed mappings
// (heap/huge.h), and a block that is made of it has little to ask the kernel.
// What moved is a mapping of its own to the kernel, and what such a block takes behind it when it
// grows is another: only the first part moves on when the block is freed.
#pragma once
#include "page/span.h"

// The memory of a block that was freed and is nobody's, moved: a new record, published as free. The
// old place has none any more and is the caller's as before. NULL: it stays there, and its content
// is undefined. System calls: no locks.
struct span *aside_put(struct span *span, const char *name);
