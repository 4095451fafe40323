// heap/hollow.h - whole OS pages inside partly used slabs go back to the kernel.
//
// A free slot is never written and holds no link, so a page whose slots are all free holds nothing.
// While a slab's pages go it is set aside (bin.h): slots of it may come back, none is taken. No
// lock is held over the system calls.
#pragma once
#include "heap/bin.h"

// Merges, then gives back whole free pages inside partly used slabs. Takes and releases the bin's
// lock. Returns the bytes given back.
size_t hollow_trim(struct bin *bin);
