// entry/trim.c - see trim.h.
#include "entry/trim.h"

#include <errno.h>

#include "entry/alloc.h"
#include "entry/init.h"
#include "heap/arena.h"
#include "heap/hardened.h"
#include "heap/huge.h"
#include "local/thread.h"

size_t trim_all(size_t pad) {
    int before = errno;
    if (UNLIKELY(thread_is_reentered()))
        return 0;
    init_ensure();
    struct cache *cache = thread_enter();
    if (cache)
        cache_drain(cache);
    thread_leave();
    if (hardened_is_on())
        hardened_trim();
    size_t bytes = alloc_take_parked() + huge_trim() + arena_trim(pad);
    errno = before;
    return bytes;
}
