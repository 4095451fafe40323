// heap/hollow.c - see hollow.h.
#include "heap/hollow.h"

#include "conf/counters.h"
#include "os/os.h"
#include "page/thp.h"

enum {
    BATCH = 16,           // slabs set aside at a time
    VISITS = 64,          // slabs looked at before others may have the lock
    WORTH_BYTES = 16384,  // less than this of a slab is not worth a call
    WORTH_SHARE = 8,      // nor is it worth a look before an eighth of its slots has become free
    LEVEL_TOP = 15,       // the sparsest step of a bin's tree
    HOLES = 16,           // of one call
};

// bin.looked: a look began, or ended and left nothing; the first becomes the second unless a give
// wiped it.
enum { TRIM_BEGAN = 1, TRIM_ENDED = 2, DRAIN_BEGAN = 4, DRAIN_ENDED = 8 };

struct look {
    struct bin         *bin;
    struct hollow_work *work;    // NULL: a trim
    struct hollow_place place;
    bool                refused;  // by the kernel: what was there is there yet
    size_t              given;    // bytes
    // the slabs at hand
    uint32_t     count;
    struct slab *slabs[BATCH];
    uint16_t     free[BATCH];   // slots, before the bits were read
    uint32_t     bytes[BATCH];  // of holes, after the calls
    bool         left[BATCH];   // a call was refused
};

struct hole {
    uintptr_t start, end;
    uint32_t  resident;  // bytes that may be
    uint32_t  slab;
};

// A call that is put together, in the order of addresses within a slab.
struct holes {
    uint32_t    count;
    struct hole hole[HOLES];
};

// --- the calls -----------------------------------------------------------------------------------

static void note(struct look *look, const struct hole *hole, bool gone) {
    look->refused |= !gone;
    look->left[hole->slab] |= !gone;
    if (!gone)
        return;
    look->bytes[hole->slab] += hole->resident;
    thp_purged(look->slabs[hole->slab]->span->region, hole->start, hole->end - hole->start);
}

// The holes from `first` on, as ranges: where one ends and the next begins is no end of a range.
static uint32_t join(const struct holes *holes, uint32_t first, struct os_range *ranges) {
    uint32_t count = 0;
    for (uint32_t i = first; i < holes->count; i++) {
        const struct hole *hole = &holes->hole[i];
        size_t             bytes = hole->end - hole->start;
        if (i > first && holes->hole[i - 1].end == hole->start)
            ranges[count - 1].bytes += bytes;
        else
            ranges[count++] = (struct os_range){(void *)hole->start, bytes};
    }
    return count;
}

// Notes the holes of so many bytes from `first` on; returns the next one.
static uint32_t note_bytes(struct look *look, const struct holes *holes, uint32_t first,
                           size_t bytes, bool gone) {
    for (; bytes > 0; first++) {
        const struct hole *hole = &holes->hole[first];
        bytes -= hole->end - hole->start;
        note(look, hole, gone);
    }
    return first;
}

// One call, and one more for each refusal.
NOINLINE static void purge_holes(struct look *look, struct holes *holes) {
    struct os_range ranges[HOLES];
    for (uint32_t first = 0; first < holes->count;) {
        uint32_t count = join(holes, first, ranges), gone = os_purge_all(ranges, count);
        counters_add(&counters_process, COUNTER_hole_purges, 1);
        for (uint32_t i = 0; i < min_size(gone + 1, count); i++)
            first = note_bytes(look, holes, first, ranges[i].bytes, i < gone);
    }
    holes->count = 0;
}

// Nobody takes from the slabs at hand, so a slot that is free stays free.
NOINLINE static void punch(struct look *look) {
    struct holes holes = {.count = 0};
    for (uint32_t i = 0; i < look->count; i++) {
        const struct slab *slab = look->slabs[i];
        uintptr_t          start, end, touched_end = slab_touched_end(slab);
        uint32_t           slot = 0;
        look->bytes[i] = 0;
        look->left[i] = false;
        while (slab_next_hole(slab, &slot, &start, &end)) {
            uint32_t resident = (uint32_t)(min_size(end, touched_end) - start);
            if (holes.count == HOLES)
                purge_holes(look, &holes);
            holes.hole[holes.count++] = (struct hole){start, end, resident, i};
        }
    }
    purge_holes(look, &holes);
}

// --- which slabs ---------------------------------------------------------------------------------

static bool may_have_holes(const struct slab *slab) {
    return slab->free_count > slab->seen_free &&
           slab_slack(slab) >= slab->hole_bytes + os_page_bytes();
}

static bool is_worth_it(const struct slab *slab) {
    size_t came = (size_t)(slab->free_count - slab->seen_free);
    return came >= max_size(slab->slot_count / WORTH_SHARE, 1) &&
           slab_slack(slab) >= slab->hole_bytes + WORTH_BYTES;
}

static bool is_quiet(const struct slab *slab, const struct hollow_work *work) {
    return work->step - slab->taken_step >= work->quiet << slab->patience;
}

static bool is_wanted(struct look *look, const struct slab *slab) {
    if (!may_have_holes(slab))
        return false;
    if (!look->work)
        return true;
    if (!is_worth_it(slab))
        return false;
    bool quiet = is_quiet(slab, look->work);
    look->place.later |= !quiet;
    return quiet;
}

// The next slab of the look; NULL: that was all.
static struct slab *next_locked(struct look *look) {
    struct hollow_place *place = &look->place;
    for (;;) {
        struct tree_node *node = tree_after(&look->bin->partial, place->level, place->minor);
        if (node && node->major == place->level) {
            place->minor = node->minor;
            return CONTAINER_OF(node, struct slab, node);
        }
        place->minor = 0;
        if (place->level == 0)
            return NULL;
        place->level--;
    }
}

// --- a look --------------------------------------------------------------------------------------

static void begin_locked(struct look *look) {
    struct bin *bin = look->bin;
    if (look->work && bin->place.begun) {
        look->place = bin->place;
        return;
    }
    look->place = (struct hollow_place){.level = LEVEL_TOP, .begun = true};
    POKE(&bin->looked, bin->looked | (look->work ? DRAIN_BEGAN : TRIM_BEGAN));
}

static void end_locked(struct look *look) {
    unsigned began = look->work ? DRAIN_BEGAN : TRIM_BEGAN, marks = look->bin->looked;
    if ((marks & began) && !look->place.later && !look->refused)
        marks |= began << 1;
    POKE(&look->bin->looked, (uint8_t)(marks & ~began));
    look->place.begun = false;
}

static uint32_t visits_left(const struct look *look) {
    return look->work ? (uint32_t)min_size(look->work->visits, VISITS) : VISITS;
}

// What the slabs at hand may give, at the most, is enough for one time.
static bool is_enough(const struct look *look, size_t bytes) {
    return look->count == BATCH || bytes >= (look->work ? look->work->bytes : SIZE_MAX);
}

// Sets slabs aside. False: the look comes to its end with them.
static bool collect_locked(struct look *look) {
    uint32_t visits = visits_left(look);
    size_t   bytes = 0;
    look->count = 0;
    while (visits > 0 && !is_enough(look, bytes)) {
        struct slab *slab = next_locked(look);
        if (!slab)
            return false;
        visits--;
        if (look->work)
            look->work->visits--;
        if (!is_wanted(look, slab))
            continue;
        look->slabs[look->count] = slab;
        look->free[look->count++] = slab->free_count;
        bytes += slab_slack(slab) - slab->hole_bytes;
        bin_set_aside_locked(look->bin, slab);
    }
    return true;
}

static void put_back_locked(struct look *look) {
    for (uint32_t i = 0; i < look->count; i++) {
        struct slab *slab = look->slabs[i];
        size_t       before = slab->hole_bytes, bytes = look->bytes[i];
        if (look->left[i])
            bytes = max_size(bytes, before);
        else
            slab->seen_free = look->free[i];
        size_t given = bytes > before ? bytes - before : 0;
        if (given > 0)
            slab->by_trim = !look->work;
        look->given += given;
        if (look->work)
            look->work->bytes -= min_size(look->work->bytes, given);
        counters_add(&counters_process, COUNTER_hole_purged_bytes, given);
        bin_put_back_locked(look->bin, slab, bytes);
    }
}

static bool may_go_on(const struct look *look) {
    return !look->refused && (!look->work || (look->work->bytes > 0 && look->work->visits > 0));
}

// Nobody asked for a look with `work`: it comes again rather than wait for a bin, whose lock a trim
// may hold that has lost its processor.
static size_t look_over(struct bin *bin, struct hollow_work *work) {
    struct look look = {.bin = bin, .work = work};
    bool        more = true;
    if (!work) {
        lock_acquire(&bin->lock);
    } else if (!lock_try(&bin->lock)) {
        work->visits--;
        return 0;
    }
    bin_merge_locked(bin);
    begin_locked(&look);
    while (more && may_go_on(&look)) {
        more = collect_locked(&look);
        lock_release(&bin->lock);
        punch(&look);
        lock_acquire(&bin->lock);
        put_back_locked(&look);
    }
    if (!more || look.refused)
        end_locked(&look);
    if (work)
        bin->place = look.place;
    lock_release(&bin->lock);
    return look.given;
}

static bool has_nothing(const struct bin *bin, unsigned marks) {
    return PEEK(&bin->slab_count) == 0 ||
           ((PEEK(&bin->looked) & marks) && !handback_has_news(&bin->news));
}

size_t hollow_trim(struct bin *bin) {
    return has_nothing(bin, TRIM_ENDED) ? 0 : look_over(bin, NULL);
}

void hollow_drain(struct bin *bin, struct hollow_work *work) {
    if (!has_nothing(bin, TRIM_ENDED | DRAIN_ENDED))
        look_over(bin, work);
}
