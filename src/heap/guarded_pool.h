// heap/guarded_pool.h - the places of the blocks between guard pages, and what is known of each.
//
// A place's record is written by who holds its block, and its state by one exchange when the block
// is freed. Who reports misuse only reads. Places are never unmapped, records never reused for
// anything else.
#pragma once
#include "base/size_class.h"
#include "os/os.h"

enum { GUARDED_MAX = SMALL_MAX, GUARDED_CALLS = 20 };

enum guarded_state {
    GUARDED_NEVER,  // never used
    GUARDED_LIVE,
    GUARDED_FREED,
};

// Who did it, and by which calls.
struct guarded_event {
    uint32_t  thread;  // the kernel's number; 0 = it did not happen yet
    uint32_t  count;
    uintptr_t calls[GUARDED_CALLS];
};

struct guarded_place {
    uint32_t             state;    // enum guarded_state; atomic
    uint32_t             family;   // enum family, of who holds it
    uintptr_t            base;     // of the block
    size_t               bytes;    // asked for
    uintptr_t            pages;    // first page of the block; up to the end of the place
    struct guarded_event taken, given;
};

// Where it is: read by everybody, written once at the start, then sealed.
extern struct guarded_pool {
    _Alignas(OS_SEALED_BYTES) uintptr_t base;
    size_t                bytes;  // 0 = there is none
    struct guarded_place *places;
    uint32_t              count;
} guarded_pool;

// True: the address lies in the pool.
ALWAYS_INLINE bool guarded_owns(uintptr_t address) {
    return UNLIKELY(address - guarded_pool.base < PEEK(&guarded_pool.bytes));
}

// From one place to the next; and where a place ends, which is where its guard page begins.
size_t    guarded_stride(void);
uintptr_t guarded_end(const struct guarded_place *place);
// The place that an address of the pool is in or nearest to, of those that were ever used; NULL:
// none was.
struct guarded_place *guarded_nearest(uintptr_t address);
