// support/fake_os_purge.c - what was given back at the fake OS door, and is noted.
#include "tests/support/fake_os_parts.h"

enum { PURGES_MAX = 8192 };

struct extent {
    uintptr_t start, end;
};

static struct extent purges[PURGES_MAX];
static unsigned      purge_count;
static size_t        purged_bytes;

int os_purge(void *address, size_t bytes) {
    uintptr_t start = (uintptr_t)address;
    int       error = fake_begin(FAKE_PURGE, address, bytes);
    fake_need(bytes > 0 && is_aligned(start | bytes, fake_world.page_bytes),
              "range of no whole pages", address, bytes);
    fake_need(fake_covers(start, start + bytes, true) || fake_is_in_break(start, bytes),
              "purging what is not committed", address, bytes);
    if (error)
        return fake_end(error);
    madvise(address, bytes, MADV_DONTNEED);
    fake_need(purge_count < PURGES_MAX, "too many purges to note", address, bytes);
    purges[purge_count++] = (struct extent){start, start + bytes};
    purged_bytes += bytes;
    return fake_end(0);
}

unsigned os_purge_all(const struct os_range *ranges, unsigned count) {
    unsigned done = 0;
    while (done < count && os_purge(ranges[done].address, ranges[done].bytes) == 0)
        done++;
    return done;
}

bool fake_was_purged(const void *address, size_t bytes) {
    uintptr_t at = (uintptr_t)address, end = at + bytes;
    for (unsigned i = 0; i < purge_count && at < end;) {
        if (purges[i].start <= at && at < purges[i].end) {
            at = purges[i].end;
            i = 0;  // an older one may go on from here
        } else {
            i++;
        }
    }
    return at >= end;
}

size_t fake_purged_bytes(void) {
    return purged_bytes;
}

void fake_memory_forget(void) {
    purge_count = 0;
    purged_bytes = 0;
}
