// heap/hardened.h - TIDE_HARDENED=1: what every block goes through that no fast path serves.
//
// No fast path finds a cache (local/stock.h) and no slab has a class byte that one knows
// (heap/bin.h), so every call comes here, and nobody else carries anything for it. All that is
// checked:
//
//   |.. canary |  block, `requested` bytes | canary .................. |
//              ^ slot or mapping           8 bytes or more in a slot; else to the page's end
//
//   taken      by chance (local/stock.h): the slot was zeroed when it was freed, and has to be
//              zero yet; it gets its canary
//   freed      the slot's mark says live, once; the canary behind the block and the last word
//              before it are whole; then it is zeroed and waits (local/front.h, heap/quarantine.h)
//   leaves     the quarantine, in a batch: a small one for the caller's stock; else it has to be
//              zero yet, and goes back to its slab
//   resized    the canary is whole, and moves
//
// How many bytes were requested stands in the slab's record (a mark a slot, heap/slab.h) or in the
// span's: an overflow reaches neither, and what it does reach, the canary, is proved with a key
// that lies elsewhere. The canary of a slot is the same whoever holds it, and its last word stays
// when the slot is freed: so the neighbour behind can be asked for what was written before its
// start. A word of zero passes there, too: its page may have been given back to the kernel.
// Functions that end in _live are the straight path of small blocks: they find for themselves
// whether the pointer is one, do nothing if not, and ask the kernel for nothing.
// Blocks of a user's heap have all this but the quarantine: the heap may end at any time.
// Locks: none of its own; calls take those of quarantine, arenas and heaps, one after the other.
#pragma once
#include "conf/counters.h"
#include "conf/options.h"
#include "heap/block.h"
#include "heap/quarantine.h"

struct user_heap;

ALWAYS_INLINE bool hardened_is_on(void) {
    return option(OPT_HARDENED) != 0;
}

// Once, at start, before the first block; nothing where it is off.
void hardened_start(void);
// A block of any size up to PTRDIFF_MAX, at a multiple of `alignment`, of `heap` or (NULL) of the
// arenas. `*is_zero`: it reads as zero. NULL: no memory.
void *hardened_take(struct user_heap *heap, size_t bytes, size_t alignment, bool *is_zero);
// Of which class a block of the arenas gets a slot; CLASS_NONE: of none, or `bytes` is too much.
class_id hardened_class(size_t bytes, size_t alignment);
// A slot of that class, which the caller took of the arenas, becomes a block. True: it reads as
// zero. What makes its slab's fence may ask the kernel.
bool hardened_dress(void *slot, size_t bytes);
// Frees a live block; fatal, with a line that names `function`, when it was misused. `*leavers`:
// slots that have waited long enough for it; the caller hands them out again, or calls
// hardened_leave; and quarantine_leave_due if there are more.
void hardened_give(const char *function, struct block *block, struct quarantine_leavers *leavers);
// A live small block of the arenas ends, as by hardened_give, but waits nowhere yet: the slot is
// the caller's, of the class answered. CLASS_NONE, and nothing done: it is anything else.
HOT class_id hardened_end_live(const char *function, void *pointer);
// What left the quarantine, from the first one on, goes back to its slabs; fatal where one was
// written to.
void hardened_leave(struct quarantine_leavers *leavers, uint32_t first);
// All of it, and what else is due (quarantine_leave_due).
void hardened_leave_due(struct quarantine_leavers *leavers);
// Fatal when a slot that is free and was cleared is not clear any more.
void hardened_prove_clear(const char *function, const void *slot, class_id id);
// True: the live block has `bytes` (at least 1) now, where it is. Fatal as hardened_give.
bool hardened_resize(const char *function, struct block *block, size_t bytes);
// The same of a small block of the arenas that may be anything. False: nothing done, and `*usable`
// is what a live one has, or SIZE_MAX: it is anything else.
HOT bool hardened_resize_live(const char *function, void *pointer, size_t bytes, size_t *usable);
// After it, for a block that becomes larger: another block with its content, and room to grow on;
// the old one is the caller's to give. NULL: not for such a block, or no memory as things are.
void *hardened_move(const struct block *block, size_t bytes);
// Proves every block of a user's heap, as hardened_give and reuse would, clears it, and ends the
// heap.
void hardened_destroy(struct user_heap *heap);
// Gives back what has waited long enough. False: nothing was there.
bool hardened_trim(void);
// And what waits, too: where memory is short.
bool hardened_flush(void);
// Slots of a class that are taken and no blocks: they wait.
uint64_t hardened_slots(class_id id);
// Adds their bytes.
void hardened_count(struct counters *totals);
// At the program's end: fatal when a slot that was freed, and is no block, is not zero any more.
void hardened_look(void *slot);
// The same of slots that go back to their slabs; nothing where it is off.
void hardened_prove_free(void *const *slots, uint32_t count);
// hardened_look for what waits.
void hardened_last_look(void);
