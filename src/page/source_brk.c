// page/source_brk.c - the data segment as a source: grows by sbrk in growing steps, and shrinks.
//
//   | program | region | foreign | region (top) ......|     one segment; others move the break too
//                                                     ^ break: ours while it is region_end(top)
//
// Rules: what sbrk returns is believed, not what we expected; a foreign move starts a new region
// behind it; the segment shrinks only while the break is still ours; when the kernel refuses even
// the bare need (RLIMIT_DATA, a mapping in the way), the page heap goes on with mappings. A refusal
// of little is believed until memory of the page heap went back to the kernel, or until mappings
// are refused as well; one of much tells nothing of less.
#include "conf/options.h"
#include "os/os.h"
#include "page/source.h"

enum { STEP_FIRST = 256 << 10, STEP_LAST = 8 << 20 };

static struct source_brk *from_source(struct source *source) {
    return CONTAINER_OF(source, struct source_brk, source);
}

// Extends the top region when the break is where we left it. False: it is not, or no memory.
static bool extend_top(struct source_brk *brk, size_t bytes, struct source_run *run) {
    struct region *top = brk->top;
    if (!top || (uintptr_t)os_break() != region_end(top))
        return false;
    uintptr_t old = (uintptr_t)os_break_move((intptr_t)bytes);
    if (old == 0)
        return false;
    if (old != region_end(top)) {
        // Somebody moved it between the two calls: undo when nobody was there since; else the piece
        // is lost.
        if ((uintptr_t)os_break() == old + bytes)
            os_break_move(-(intptr_t)bytes);
        return false;
    }
    *run = (struct source_run){top, old, bytes / GRANULE};
    region_commit(top, (intptr_t)bytes);
    top->reserved = top->committed;
    return true;
}

// Where the kernel does not put the break at random it follows the program's data, and in a static
// program ours: what is written before the first block must not reach that.
static bool follows_data(const struct source_brk *brk, uintptr_t now) {
    size_t page = os_page_bytes();
    return !brk->has_begun && os_is_mapped((void *)align_down(now - 1, page), page);
}

// The pages between what was there before and the first granule; refused, it goes without. Once, of
// pages that nobody touched: the advice in it has nothing to do under the page heap's lock.
static void make_fence(uintptr_t old, uintptr_t base) {
    uintptr_t from = align_up(old, os_page_bytes());
    if (from < base)
        os_conceal((void *)from, base - from);
}

// Starts a new region at the next granule above the break.
static bool start_region(struct source_brk *brk, size_t bytes, struct source_run *run) {
    uintptr_t now = (uintptr_t)os_break();
    if (now == 0)
        return false;
    bool      is_fenced = follows_data(brk, now);
    uintptr_t from = is_fenced ? align_up(now, os_page_bytes()) + os_page_bytes() : now;
    size_t    gap = align_up(from, GRANULE) - now;
    uintptr_t old = (uintptr_t)os_break_move((intptr_t)(gap + bytes));
    if (old == 0)
        return false;
    uintptr_t base = align_up(old == now ? from : old, GRANULE);
    uintptr_t end = align_down(old + gap + bytes, GRANULE);
    if (end < base + GRANULE || (old != now && end - base < bytes))
        return false;  // moved under our hands: the few bytes stay with the segment
    struct region *region = region_new(&brk->source, base, end - base);
    if (!region) {
        if ((uintptr_t)os_break() == old + gap + bytes)
            os_break_move(-(intptr_t)(gap + bytes));
        return false;
    }
    region_commit(region, (intptr_t)(end - base));
    brk->has_begun = true;
    if (is_fenced)
        make_fence(old, base);
    // A tail behind the last granule (old was not where we looked) means the next growth starts
    // anew.
    brk->top = region;
    *run = (struct source_run){region, base, (end - base) / GRANULE};
    return true;
}

static bool grow(struct source *source, size_t granules, struct source_run *run) {
    struct source_brk *brk = from_source(source);
    size_t need = granules * GRANULE;
    size_t wanted = align_up(need + option(OPT_TOP_PAD), GRANULE);
    wanted = max_size(wanted, brk->step);
    brk->step = min_size(brk->step + brk->step / 2, STEP_LAST);
    brk->step = align_up(brk->step, GRANULE);
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        size_t bytes = attempt == 0 ? wanted : need;
        if (extend_top(brk, bytes, run) || start_region(brk, bytes, run)) {
            source->exhausted = false;
            return true;
        }
    }
    if (need <= STEP_FIRST)
        source->exhausted = true;
    return false;
}

static size_t shrink(struct source *source, struct region *region, uintptr_t from) {
    struct source_brk *brk = from_source(source);
    if (region != brk->top || (uintptr_t)os_break() != region_end(region))
        return 0;
    size_t bytes = region_end(region) - from;
    if (!os_break_move(-(intptr_t)bytes))
        return 0;
    region_commit(region, -(intptr_t)bytes);
    region->reserved = region->committed;
    brk->step = STEP_FIRST;
    if (region->committed == 0) {
        brk->top = NULL;
        region_delete(region);
    }
    return bytes;
}

// A region of the segment goes only by shrinking to nothing.
static bool release(struct source *source, struct region *region) {
    (void)source;
    (void)region;
    return false;
}

void source_brk_init(struct source_brk *brk) {
    *brk = (struct source_brk){
        .source = {.grow = grow, .shrink = shrink, .release = release, .shrinks = true},
        .step = STEP_FIRST};
    list_init(&brk->source.regions);
}
