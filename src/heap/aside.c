// heap/aside.c - see aside.h.
#include "heap/aside.h"

#include <string.h>

#include "conf/counters.h"
#include "heap/fence.h"
#include "os/os.h"
#include "page/limit.h"
#include "page/thp.h"

// What it has that came from one place, so that it can go on from there as one.
static size_t carried_bytes(const struct span *span) {
    size_t joined = span->joined * os_page_bytes();
    return joined ? min_size(joined, span->resident) : span->resident;
}

// Not where somebody counts data, nor what the program hardly touched: to clear it would take
// memory for the rest.
static bool may_set_aside(const struct span *span) {
    size_t bytes = carried_bytes(span);
    return span->guard_before > 0 && bytes > 0 && !limit_is_set() &&
           !os_data_is_limited() &&
           os_resident_in((void *)span->base, bytes) >= bytes - bytes / 4;
}

// What is out of reach behind the block is clear already. The program may have protected its pages.
static bool clear_aside(struct span *span) {
    if (os_commit((void *)span->base, max_size(span->resident, span->bytes)) != 0)
        return false;
    memset((void *)span->base, 0, min_size(carried_bytes(span), span->bytes));
    return true;
}

struct span *aside_put(struct span *span, const char *name) {
    size_t bytes = carried_bytes(span), alignment = max_size(GRANULE, thp_alignment(bytes));
    if (!may_set_aside(span) || !clear_aside(span))
        return NULL;
    struct span *kept = fence_carry(span, bytes, alignment, name);
    if (!kept)
        return NULL;
    thp_committed((void *)kept->base, span_bytes(kept));
    span_publish_ends(kept);
    page_map_set_class(kept->base, kept->granules, CLASS_FREE);
    counters_add(&counters_process, COUNTER_mappings, 1);
    counters_add(&counters_process, COUNTER_mapped_bytes, span_bytes(kept));
    return kept;
}
