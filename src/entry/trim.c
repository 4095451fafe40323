// entry/trim.c - see trim.h.
#include "entry/trim.h"

#include <errno.h>

#include "entry/init.h"
#include "heap/arena.h"
#include "heap/huge.h"
#include "local/thread.h"

size_t trim_all(size_t pad) {
    int before = errno;
    init_ensure();
    struct cache *cache = thread_cache();
    if (cache)
        cache_drain(cache);
    size_t bytes = huge_evict(UINT64_MAX) + arena_trim(pad);
    errno = before;
    return bytes;
}
