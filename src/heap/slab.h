// heap/slab.h - a span cut into equal slots of one class, described by two bitmaps outside it.
//
// A slab knows no list and takes no lock. The bin that owns it holds its own lock around every
// function but the slab_return_ ones, which any thread that holds taken slots may call at any time.
//
// Guarantees
//  1. A slot is free, or returned, or taken: never two of them. A cached slot is a taken one.
//  2. free_count is the number of bits set in the free words.
//  3. This record lies outside the span: no overflow in the span reaches it, and free slots are
//     never written.
//  4. This record is a slab record for ever: a late reader sees something sane.
//  5. Slots from high_water on were never handed out, and their pages are untouched.
//  6. Bit w of room_words is set when free word w has a bit.
//
// Returning slots without the bin's lock: R is any returning thread, M the holder of the lock
//   R1  handoff += 2                     the slab cannot go: R still holds a taken slot
//   R2  returned |= bits                 release
//   R3  handoff = (handoff | 1) - 2      one step, acquire and release; who sets bit 0
//                                        pushes the slab on the bin's stack
//   M1  takes the slab from the stack
//   M2  handoff &= ~1                    acquire and release
//   M3  takes all returned words         acquire
//   M4  all slots free and handoff == 0: the slab goes back to the page heap
//
//  a. No bit is lost: R3 either sees bit 0 clear and announces, or it comes before M2 in handoff's
//     order, and then M3 sees R2.
//  b. No slab goes too early: R1 is before R2; who sees R2's bits (M3) sees R1, so M4 waits for R3.
//     After R3 R touches the slab only to push it, and then bit 0 keeps it until M2.
//  c. No slab is left behind: when R1..R3 makes M4 fail, that R3 sees bit 0 clear and announces
//     again.
#pragma once
#include "base/bitmap.h"
#include "os/handback.h"
#include "page/span.h"

struct bin;

enum { SLAB_PATIENCE_MAX = 2 };

// A hardened process marks every slot, out of the program's reach; in any other there are no marks.
// Written by who holds the slot, by exchange where two might: a slot freed twice has one mark.
enum {
    SLOT_FRESH = 0,  // nobody had it since the slab was made: its content is anything
    SLOT_FREED = 1,  // free, or waiting to be (heap/quarantine.h): zero, where that is asked for
    SLOT_LIVE = 2,   // and on: see slot_mark
};
enum {
    SLOT_REST_BITS = 14,
    SLOT_REST_MAX = (1 << SLOT_REST_BITS) - 1 - SLOT_LIVE,  // of a larger one a mark cannot tell
};
// `rest`: bytes behind the requested ones, to the slot's end. `family`: heap/family.h.
ALWAYS_INLINE uint16_t slot_mark(size_t rest, unsigned family) {
    return (uint16_t)((SLOT_LIVE + rest) | family << SLOT_REST_BITS);
}
ALWAYS_INLINE size_t slot_rest(uint16_t mark) {
    return (mark & ((1u << SLOT_REST_BITS) - 1)) - SLOT_LIVE;
}
ALWAYS_INLINE unsigned slot_family(uint16_t mark) {
    return mark >> SLOT_REST_BITS;
}

// The granule before a slab: readable, if there is one; to be made unreadable by who holds a slot;
// unreadable.
enum slab_fence { SLAB_OPEN, SLAB_FENCE_DUE, SLAB_FENCED };

struct slab {
    struct meta_link     link;
    // constant from slab_new to slab_delete
    struct span         *span;        // the memory
    struct bin          *bin;         // the owner; relaxed reads by returning threads
    uintptr_t            base;        // of slot 0
    class_id             id;
    uint8_t              pool;        // which pool of records it belongs to
    uint8_t              free_shift;  // free_count >> free_shift is 0 .. 15
    uint16_t             slot_count;
    uint16_t             word_count;  // of each bitmap
    // written atomically by holders of slots, beside what they read anyway
    uint8_t              fence;       // enum slab_fence
    // written under the lock of the bin
    uint16_t             free_count;  // guarantee 2
    uint16_t             high_water;  // guarantee 5
    bool                 listed;      // in the bin's tree
    bool                 waits;       // to be
    bool                 busy;        // its holes are being given back: it stays as it is
    uint64_t             room_words;  // guarantee 6
    uint32_t             hole_bytes;  // given back inside the slab, as far as known
    uint32_t             tail_bytes;  // resident behind the last slot; kept where a limit is set
    uint16_t             seen_free;   // slots free at the last look for holes, or fewer since: when
                                      // more are free, there may be new holes
    uint8_t              patience;    // how often holes of its were taken again (heap/hollow.h)
    bool                 by_trim;     // a trim made its holes: nothing is learned from them
    bool                 spare;       // all slots are free, and it stays for its fence's sake
    uint32_t             taken_step;  // page_gauge.step when something was last taken
    struct tree_node     node;        // in the bin's tree
    // written by any thread, atomically
    uint32_t             handoff;     // 2 x threads between R1 and R3, plus bit 0 = announced
    struct handback_node hand;        // link on the bin's stack
    uint64_t             words[];     // free words, then returned words, then marks
};

// Hardened processes only.
ALWAYS_INLINE uint16_t *slab_mark(struct slab *slab, uint32_t slot) {
    return (uint16_t *)(slab->words + 2 * slab->word_count) + slot;
}

ALWAYS_INLINE uint64_t *slab_returned(struct slab *slab) {
    return slab->words + slab->word_count;
}
ALWAYS_INLINE uint32_t slab_bytes(const struct slab *slab) {
    return class_bytes(slab->id);
}
ALWAYS_INLINE size_t slab_slots_bytes(const struct slab *slab) {
    return (size_t)slab->slot_count * slab_bytes(slab);
}
ALWAYS_INLINE uintptr_t slab_slot_address(const struct slab *slab, uint32_t slot) {
    return slab->base + (uintptr_t)slot * slab_bytes(slab);
}
// Any address inside the slab's span -> slot; may be slot_count or more in the tail.
ALWAYS_INLINE uint32_t slab_slot_of(const struct slab *slab, uintptr_t address) {
    return size_class_slot(slab->id, address - slab->base);
}

// The slab of an address whose class byte is a slab's, or NULL: it was given back meanwhile. Only a
// misused pointer can find that; a record is looked at, never user memory.
ALWAYS_INLINE struct slab *slab_find(uintptr_t address) {
    struct span *span = page_map_span(address);
    if (UNLIKELY(!span || span_kind_of(span) != SPAN_SLAB))
        return NULL;
    struct slab *slab = span->slab;
    return LIKELY(slab->span == span) ? slab : NULL;
}
// Once, before the first slab, in a hardened process: records get their marks.
void slab_harden(void);
// All slots free, nothing published. NULL: no memory for the record.
struct slab *slab_new(struct span *span, struct bin *bin, class_id id);
// Only of a slab that slab_is_idle.
void slab_delete(struct slab *slab);

// Takes up to `count` free slots, lowest first, and writes their addresses so that out[n - 1] is
// the lowest: the order of a stack. Short batches of slots of 16 and 32 bytes that fill cache lines
// are whole lines, where there are enough. Returns n <= min(count, free_count).
uint32_t slab_take(struct slab *slab, void **out, uint32_t count);
// The same, but of a hardened process: by chance, of those used before and of the next ones.
uint32_t slab_take_next(struct slab *slab, void **out, uint32_t count);
// Before slab_delete: what is unreadable is readable again. As growing does, a change of protection
// under the bin's lock. False: the kernel refuses, and the slab has to stay.
bool slab_open_fence(struct slab *slab);
// Gives back the first ones of `count` slots (1 or more), as far as they lie in this slab and are
// taken. Returns how many. 0, when slots[0] lies in the span: it is no taken slot (slab_fail).
uint32_t slab_give(struct slab *slab, void *const *slots, uint32_t count);
// M2 and M3: returned -> free; how many came back. Fatal when one of them is free already.
uint32_t slab_merge(struct slab *slab);
// M4's condition.
bool slab_is_idle(const struct slab *slab);
// What it counts against the limits: what was resident in a dirty span, what was used since, and
// what is left behind the last slot of who had the memory before.
size_t slab_resident(const struct slab *slab);

// R1, R2 and R3 of the theory. slab_return_bits answers the bits that were returned or free
// already: misuse.
void     slab_return_begin(struct slab *slab);
uint64_t slab_return_bits(struct slab *slab, uint32_t word, uint64_t bits);
bool     slab_return_end(struct slab *slab);  // true: the caller pushes the slab on the bin's stack

// True when the slot is free or returned: a hint for messages, exact when no other thread touches
// the slot.
bool slab_slot_is_free(struct slab *slab, uint32_t slot);
// Bytes of free slots that were used once, holes among them.
size_t slab_slack(const struct slab *slab);
// The end of what may be resident: whole OS pages.
uintptr_t slab_touched_end(const struct slab *slab);
// The next run of whole OS pages, from slot `*slot` on, whose slots are all free, and of which at
// least one page may be resident. A run that reaches high_water goes on to the end of the span,
// where nothing was touched, so that runs of neighbours join. False: none.
bool slab_next_hole(const struct slab *slab, uint32_t *slot, uintptr_t *start, uintptr_t *end);
// The line for a pointer into the slab that is no taken slot, and abort: inside a slot, or free
// already. Tells nothing of the pointer but where it lies.
NORETURN COLD void slab_fail(const char *function, const void *pointer, const struct slab *slab);
// Recomputes guarantees 1, 2, 5 and 6; fatal. Under the bin's lock; other threads may return slots.
// The debug build calls it at the head of slab_take and slab_merge.
void slab_check(struct slab *slab);
