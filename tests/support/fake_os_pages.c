// support/fake_os_pages.c - real memory behind the fake OS door: made, counted, copied, carried.
//
// Tests with faults move blocks all the time. So pages are asked about in runs, and carried by the
// kernel where it can: a call a page and a page fault each were most of such a test's time.
#include "base/bits.h"
#include "tests/support/fake_os_parts.h"

enum { ASKED_PAGES = 256, REMAP_KEEPS_OLD = 4 };  // MREMAP_DONTUNMAP, in newer headers only

void fake_set_memory(uintptr_t start, size_t bytes, bool usable) {
    int protection = usable ? PROT_READ | PROT_WRITE : PROT_NONE;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    if (bytes)
        fake_need(mmap((void *)start, bytes, protection, flags, -1, 0) != MAP_FAILED,
                  "the real system has no memory", (void *)start, bytes);
}

char *fake_area(size_t bytes) {
    int   flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char *all = mmap(NULL, bytes + GIB(1), PROT_NONE, flags, -1, 0);
    fake_need(all != MAP_FAILED, "the real system has no address space", NULL, bytes);
    return (char *)align_up((uintptr_t)all, GIB(1));
}

// Asks which pages hold memory, as many as one call can; returns how many. What is not mapped holds
// none.
static size_t ask_resident(uintptr_t start, size_t bytes, unsigned char map[ASKED_PAGES]) {
    size_t pages = min_size(bytes, ASKED_PAGES * 4096) / 4096;
    if (mincore((void *)start, pages * 4096, map) == 0)
        return pages;
    for (size_t i = 0; i < pages; i++)
        if (mincore((void *)(start + i * 4096), 4096, &map[i]) != 0)
            map[i] = 0;
    return pages;
}

size_t fake_count_resident(uintptr_t start, uintptr_t end) {
    unsigned char map[ASKED_PAGES];
    size_t        sum = 0;
    start = align_down(start, 4096);
    for (end = align_up(end, 4096); start < end;) {
        size_t pages = ask_resident(start, end - start, map);
        for (size_t i = 0; i < pages; i++)
            sum += (map[i] & 1) * 4096u;
        start += pages * 4096;
    }
    return sum;
}

void fake_copy_resident(uintptr_t to, uintptr_t from, size_t bytes) {
    unsigned char map[ASKED_PAGES];
    for (size_t done = 0; done < bytes;) {
        size_t pages = ask_resident(from + done, bytes - done, map);
        for (size_t i = 0; i < pages; i++, done += 4096)
            if (map[i] & 1)
                memcpy((void *)(to + done), (void *)(from + done), 4096);
    }
}

// Not every kernel can, some not of a range that was mapped in pieces; the target may be gone then.
void fake_carry_resident(uintptr_t to, uintptr_t from, size_t bytes) {
    int flags = MREMAP_MAYMOVE | MREMAP_FIXED | REMAP_KEEPS_OLD;
    if (mremap((void *)from, bytes, bytes, flags, (void *)to) != (void *)to) {
        fake_set_memory(to, bytes, true);
        fake_copy_resident(to, from, bytes);
    }
    fake_set_memory(from, bytes, true);
}
