// heap/hollow.h - whole OS pages inside partly used slabs go back to the kernel.
//
// Theory
//  1. A free slot is never written and holds no link, so a page whose slots are all free holds
//     nothing. While a slab's pages go it is set aside (bin.h): slots of it may come back, none is
//     taken. No lock is held over the system calls.
//  2. The sparsest slabs come first: batches are taken from the fullest, so nobody is likely to
//     come back to these soon. Slabs of one step of fullness are visited by address, some at a
//     time, and what is free at the end of one and at the start of the next goes as one range;
//     many ranges go in one call.
//  3. A slab is looked at only when more of it is free than at the last look; a bin, when something
//     was given to it since all of it was looked at. So a look with nothing to find costs a load a
//     bin.
//  4. Unasked, what goes is worth a call, of a slab from which nothing was taken for some steps of
//     the decay, and twice as many each time that pages which went were taken again.
#pragma once
#include "heap/bin.h"

// Of 32 steps of the decay.
enum { HOLLOW_QUIET = 4, HOLLOW_QUIET_URGENT = 1 };

// How much one unasked look may do, over several bins.
struct hollow_work {
    size_t   bytes;   // that shall go yet
    uint32_t visits;  // slabs that may be looked at yet
    uint32_t step;    // page_gauge.step
    uint32_t quiet;   // steps without a take
};

// Merges, then gives back all whole free pages inside partly used slabs. Takes and releases the
// bin's lock, in between too. Returns the bytes given back.
size_t hollow_trim(struct bin *bin);
// Theory 4, within `work`, from which is taken what was done; goes on where the last look ended.
void hollow_drain(struct bin *bin, struct hollow_work *work);
