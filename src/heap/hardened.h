// heap/hardened.h - TIDE_HARDENED=1: what every block goes through that no fast path serves.
//
// No thread has a cache and no slab has a class byte that the fast paths know (heap/bin.h), so
// every call comes here, and nobody else carries anything for it. All that is checked:
//
//   |.. canary |  block, `requested` bytes | canary .................. |
//              ^ slot or mapping           8 bytes or more in a slot; else to the page's end
//
//   taken      out of a batch (heap/stock.h): the slot was zeroed when it was freed, and has to be
//              zero yet; it gets its canary
//   freed      the slot's mark says live, once; the canary behind the block and the last word
//              before it are whole; then it is zeroed and waits (heap/quarantine.h)
//   leaves     the quarantine, in a batch: a small one for the stock; else it has to be zero yet,
//              and goes back to its slab
//   resized    the canary is whole, and moves
//
// How many bytes were requested stands in the slab's record (a mark a slot, heap/slab.h) or in the
// span's: an overflow reaches neither, and what it does reach, the canary, is proved with a key
// that lies elsewhere. The canary of a slot is the same whoever holds it, and its last word stays
// when the slot is freed: so the neighbour behind can be asked for what was written before its
// start. A word of zero passes there, too: its page may have been given back to the kernel.
// Blocks of a user's heap have all this but the quarantine: the heap may end at any time.
// Locks: none of its own; calls take those of stock, quarantine, arenas and heaps, one
// after the other.
#pragma once
#include "conf/counters.h"
#include "conf/options.h"
#include "heap/block.h"

struct user_heap;

ALWAYS_INLINE bool hardened_is_on(void) {
    return UNLIKELY(option(OPT_HARDENED) != 0);
}

// Once, at start, before the first block; nothing where it is off.
void hardened_start(void);
// A block of any size up to PTRDIFF_MAX, at a multiple of `alignment`, of `heap` or (NULL) of the
// arenas. `*is_zero`: it reads as zero. NULL: no memory.
void *hardened_take(struct user_heap *heap, size_t bytes, size_t alignment, bool *is_zero);
// What most calls find at once: a small block of the arenas out of the stock. NULL: it is not so
// simple, hardened_take. Any thread may ask at any time, but no handler that came amid a lock.
void *hardened_take_ready(size_t bytes);
// Frees a live small block as hardened_give; false, and nothing done: it is anything else.
bool hardened_give_live(const char *function, void *pointer);
// Frees a live block; fatal, with a line that names `function`, when it was misused.
void hardened_give(const char *function, struct block *block);
// True: the live block has `bytes` (at least 1) now, where it is. Fatal as hardened_give.
bool hardened_resize(const char *function, struct block *block, size_t bytes);
// Proves every block of a user's heap, as hardened_give and reuse would, clears it, and ends the
// heap.
void hardened_destroy(struct user_heap *heap);
// Gives back what has waited long enough and what nobody has taken yet. False: nothing was there.
bool hardened_trim(void);
// And what waits, too: where memory is short.
bool hardened_flush(void);
// Slots of a class that are taken and no blocks: they wait, or nobody has had them yet.
uint64_t hardened_slots(class_id id);
// Adds their bytes.
void hardened_count(struct counters *totals);
// At the end of the program: what waits has to be zero yet.
void hardened_last_look(void);
