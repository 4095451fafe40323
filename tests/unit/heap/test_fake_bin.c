// unit/heap/test_fake_bin.c - which slab serves, when slabs go, returning without the lock, misuse.
//
// Holes and figures are in test_fake_hollow.c.
#include "page/limit.h"
#include "page/page_heap_walk.h"
#include "tests/unit/heap/bins.h"

enum { SLOTS_MAX = 20000 };

static struct pages pages;
static struct bin   bin;
static void        *slots[SLOTS_MAX];
static uint32_t     in_slab;  // slots of one slab

static void start(size_t bytes) {
    class_id id = size_class_of(bytes);
    pages_start(&pages);
    bin_init(&bin, id, &pages.heap, NULL);
    in_slab = size_class_table[id].slots;
}

static uint32_t take(void **out, uint32_t count) {
    uint32_t taken = 0;
    while (taken < count) {
        uint32_t more = bins_take(&bin, out + taken, count - taken);
        CHECK(more > 0);
        taken += more;
    }
    bin_check(&bin);
    return taken;
}

static void give(void **list, uint32_t count) {
    CHECK_EQ(bins_give(&bin, list, count), 0);
    bin_check(&bin);
}

// Gives `count` slots of the slab number `index`, when slots[] was filled slab by slab.
static void give_of_slab(uint32_t index, uint32_t count) {
    void *list[512];
    CHECK(count <= 512);
    memcpy(list, slots + index * in_slab, count * sizeof *list);
    give(list, count);
}

static void published_before_use(void) {
    start(100);
    take(slots, 1);
    struct span *span = page_map_span((uintptr_t)slots[0]);
    CHECK_EQ(span->kind, SPAN_SLAB);
    CHECK(span->slab->bin == &bin);
    CHECK(has_classes(span, bin.id, bin.id));
    for (size_t i = 0; i < span->granules; i++)
        CHECK(page_map_span(span->base + i * GRANULE) == span);
    CHECK_EQ(bin.slab_count, 1);
    CHECK_EQ(bin.taken, 1);
}

// Four full slabs; what comes back decides which one serves next.
static void fullest_then_lowest(void) {
    void    *next;
    uint32_t some;
    start(1024);
    for (uint32_t i = 0; i < 4; i++)
        CHECK_EQ(take(slots + i * in_slab, in_slab), in_slab);
    CHECK_EQ(bin.slab_count, 4);
    some = in_slab / 8;
    give_of_slab(0, 6 * some);
    give_of_slab(1, 2 * some);
    give_of_slab(2, 4 * some);
    give_of_slab(3, 2 * some);
    struct slab *slab[4];
    for (uint32_t i = 0; i < 4; i++)
        slab[i] = slab_at(slots[(i + 1) * in_slab - 1]);
    CHECK(slab[1]->base < slab[3]->base);
    for (uint32_t i = 0; i < 14 * some; i++) {
        CHECK_EQ(bins_take(&bin, &next, 1), 1);
        uint32_t expected = i < 2 * some ? 1 : i < 4 * some ? 3 : i < 8 * some ? 2 : 0;
        CHECK(slab_at(next) == slab[expected]);
    }
    CHECK_EQ(bin.slab_count, 4);
}

// One batch over several slabs: the fullest first, and each part in the order of a stack.
// More full slabs get slots back than may wait; one of those that wait goes again.
static void full_slabs_wait_for_a_taker(void) {
    enum { SLABS = 20 };
    start(16 << 10);
    take(slots, SLABS * in_slab);
    for (uint32_t i = SLABS; i-- > 0;)
        give_of_slab(i, 1);
    CHECK(bin.waiting_count > 0 && bin.waiting_count < SLABS);
    uint32_t waiting = bin.waiting_count;
    struct slab *last = slab_at(slots[(SLABS - 1) * in_slab]);
    CHECK(last->waits && !last->listed);
    give(slots + (SLABS - 1) * in_slab + 1, in_slab - 1);
    CHECK_EQ(bin.waiting_count, waiting - 1);
    CHECK_EQ(bin.slab_count, SLABS - 1);
    void *again[SLABS - 1];
    take(again, SLABS - 1);
    CHECK_EQ(bin.waiting_count, 0);
    for (uint32_t i = 0; i < SLABS - 1; i++)
        CHECK(again[i] == slots[i * in_slab]);
}

static void batch_over_slabs(void) {
    start(1024);
    for (uint32_t i = 0; i < 2; i++)
        take(slots + i * in_slab, in_slab);
    give_of_slab(0, 8);
    give_of_slab(1, 16);
    struct slab *sparse = slab_at(slots[2 * in_slab - 1]), *full = slab_at(slots[in_slab - 1]);
    void        *batch[20];
    CHECK_EQ(bins_take(&bin, batch, 20), 20);
    for (unsigned i = 0; i < 20; i++)
        CHECK(slab_at(batch[i]) == (i < 8 ? full : sparse));
    for (unsigned i = 1; i < 20; i++)
        CHECK(i == 8 || batch[i] < batch[i - 1]);
}

// A batch ends where a slab would have to be cut for its last slots, and none is cut in vain.
static void no_fresh_slab_for_the_last_slots(void) {
    start(1024);
    take(slots, in_slab - 3);
    CHECK_EQ(bins_take(&bin, slots + in_slab - 3, 10), 3);
    CHECK_EQ(bin.slab_count, 1);
    give(slots, in_slab);
    CHECK_EQ(bin.slab_count, 0);
    CHECK_EQ(pages.heap.active_bytes, 0);  // nothing waits for a use that may never come
}

static void idle_slabs_go_at_once(void) {
    start(256);
    take(slots, 3 * in_slab);
    CHECK_EQ(bin.slab_count, 3);
    uintptr_t base = slab_at(slots[in_slab])->base;
    give_of_slab(1, in_slab - 1);
    CHECK_EQ(bin.slab_count, 3);
    give(slots + 2 * in_slab - 1, 1);
    CHECK_EQ(bin.slab_count, 2);
    CHECK_EQ(page_map_class(base), CLASS_FREE);
    CHECK_EQ(pages.heap.active_bytes, 2 * GRANULE);
    give(slots, in_slab);
    give(slots + 2 * in_slab, in_slab);
    CHECK_EQ(bin.slab_count, 0);
    CHECK_EQ(bin.taken, 0);
    CHECK_EQ(bin.touched, 0);
    CHECK_EQ(pages.heap.active_bytes, 0);
}

static void returned_slots_are_merged_by_the_next_holder(void) {
    start(1024);
    take(slots, in_slab);
    void *some[4] = {slots[5], slots[2], slots[9], slots[3]}, *next[2];
    bin_return("free", bin.id, some, 4);
    CHECK_EQ(bin.taken, in_slab);  // nobody looked yet
    CHECK(handback_has_news(&bin.news));
    CHECK_EQ(bins_take(&bin, next, 2), 2);
    CHECK(next[0] == slots[5] || next[1] == slots[9]);
    CHECK_EQ(bin.taken, in_slab - 2);
    CHECK(!handback_has_news(&bin.news));
    CHECK_EQ(bin.slab_count, 1);
    bin_check(&bin);
}

// Nobody ever holds the lock again: whoever returns half a slab merges himself.
static void a_sleeping_owner_still_drains(void) {
    start(1024);
    take(slots, 4 * in_slab);
    for (uint32_t i = 0; i < 4 * in_slab; i++)
        bin_return("free", bin.id, &slots[i], 1);
    CHECK_LE(bin.taken, in_slab / 2);
    CHECK_LE(bin.slab_count, 1);
    lock_acquire(&bin.lock);
    bin_merge_locked(&bin);
    lock_release(&bin.lock);
    CHECK_EQ(bin.taken, 0);
    CHECK_EQ(bin.slab_count, 0);
}

static void the_lock_is_not_waited_for(void) {
    start(1024);
    take(slots, in_slab);
    lock_acquire(&bin.lock);
    bin_return("free", bin.id, slots, in_slab);
    CHECK_EQ(bin.slab_count, 1);
    bin_merge_locked(&bin);
    lock_release(&bin.lock);
    CHECK_EQ(bin.slab_count, 0);
}

// Slots of two bins of one class, many slabs, in any order: each finds its way.
static void mixed_slabs_and_bins(void) {
    static struct bin other;
    uint64_t          seed = 5;
    start(512);
    bin_init(&other, bin.id, &pages.heap, NULL);
    uint32_t half = 5 * in_slab, all = 2 * half;
    for (uint32_t i = 0; i < half; i++) {
        CHECK_EQ(bins_take(&bin, &slots[2 * i], 1), 1);
        CHECK_EQ(bins_take(&other, &slots[2 * i + 1], 1), 1);
    }
    for (uint32_t i = all; i > 1; i--) {
        uint32_t at = (uint32_t)(test_random(&seed) % i);
        void    *slot = slots[at];
        slots[at] = slots[i - 1];
        slots[i - 1] = slot;
    }
    CHECK_EQ(bins_give(&bin, slots, all / 2), all / 2 - (half - bin.taken));
    uint32_t others = all / 2 - (half - (uint32_t)bin.taken);
    for (uint32_t i = 0; i < others; i++)
        CHECK(slab_at(slots[i])->bin == &other);
    bin_return("free", bin.id, slots, others);
    bin_return("free", bin.id, slots + all / 2, all / 2);
    CHECK_EQ(bins_give(&bin, slots, 0), 0);
    CHECK_EQ(bins_give(&other, slots, 0), 0);
    bin_check(&bin);
    bin_check(&other);
    CHECK_EQ(bin.taken + other.taken, 0);
    CHECK_EQ(bin.slab_count + other.slab_count, 0);
    CHECK_EQ(pages.heap.active_bytes, 0);
}

static void without_pages(void) {
    start(1024);
    fake_fail(FAKE_ANY, 1, UINT32_MAX);
    CHECK_EQ(bins_take(&bin, slots, 5), 0);
    bin_check(&bin);
    fake_fail(FAKE_ANY, 1, 0);
    take(slots, in_slab);
}

static void without_records(void) {
    static struct drain drain;
    start(1024);
    take(slots, in_slab);
    // The store has records for spans, but soon none for a slab: its span goes back.
    struct span *room = take_block(&pages, 500);
    page_heap_give(&pages.heap, room, span_bytes(room), 0);
    drain_spans(&drain, 400);
    uint32_t more, count = 0;
    while ((more = bins_take(&bin, slots + in_slab + count, in_slab)) > 0)
        count += more;
    CHECK(bin.slab_count > 1 && bin.slab_count < 400);
    CHECK_EQ(pages.heap.active_bytes, bin.slab_count * GRANULE);
    bin_check(&bin);
    page_heap_check(&pages.heap);
    drain_end(&drain);
    take(slots + in_slab + count, in_slab);
    give(slots, 2 * in_slab + count);
    CHECK_EQ(pages.heap.active_bytes, 0);
    page_heap_check(&pages.heap);
}

// --- misuse -------------------------------------------------------------------------------------

static void *misused[4];

static void give_misused(void *count) {
    bins_give(&bin, misused, (uint32_t)(uintptr_t)count);
}
static void return_misused(void *count) {
    bin_return("operator delete", bin.id, misused, (uint32_t)(uintptr_t)count);
}

static void check_deaths(uintptr_t count, const char *give_line, const char *return_line) {
    CHECK(death_expect(give_misused, (void *)count, give_line));
    CHECK(death_expect(return_misused, (void *)count, return_line));
}

static void double_frees_are_told(void) {
    start(64);
    take(slots, 300);
    const char *give_line = "tidemalloc: free(0x*): double free of a 64-byte block";
    const char *return_line = "tidemalloc: operator delete(0x*): double free of a 64-byte block";
    misused[0] = slots[7];
    misused[1] = slots[7];
    check_deaths(2, give_line, return_line);  // twice in one batch
    give(misused, 1);
    misused[0] = slots[7];
    check_deaths(1, give_line, return_line);  // free already
    misused[0] = slots[9];
    bin_return("free", bin.id, misused, 1);
    misused[0] = slots[9];
    check_deaths(1, give_line, return_line);  // returned already
    void *far = slots[20];
    take(slots + 300, 3 * in_slab - 300);
    for (uint32_t i = 0; i < 3 * in_slab; i++)
        if (i != 7 && i != 9)
            bins_give(&bin, &slots[i], 1);
    misused[0] = far;
    check_deaths(1, give_line, return_line);  // the slab is gone
}

static void interior_pointers_are_told(void) {
    char line[200], other[200];
    start(64);
    take(slots, 300);
    misused[0] = (char *)slots[3] + 8;
    snprintf(line, sizeof line,
             "tidemalloc: free(%p): pointer into the middle of a 64-byte block (starts at %p)",
             misused[0], slots[3]);
    snprintf(other, sizeof other,
             "tidemalloc: operator delete(%p): pointer into the middle of a 64-byte block "
             "(starts at %p)",
             misused[0], slots[3]);
    check_deaths(1, line, other);
}

// At the hard limit a batch that is refused is one slot, as long as there is room for that.
static void one_where_a_batch_is_refused(void) {
    start(1000);
    limit_start(pages.heap.gauge, 0, MIB(2));
    uint32_t taken = 0, more;
    while ((more = bins_take(&bin, slots + taken, 24)) > 0)
        taken += more;
    CHECK(taken >= 900);
    CHECK_EQ(bins_take(&bin, slots + taken, 1), 0);
    CHECK_LE(limit_used(), limit_values.hard);
    give(slots, 5);
    CHECK_EQ(bins_take(&bin, slots, 24), 5);  // those used before are served together
}

int main(void) {
    CASE(published_before_use);
    CASE(fullest_then_lowest);
    CASE(full_slabs_wait_for_a_taker);
    CASE(batch_over_slabs);
    CASE(no_fresh_slab_for_the_last_slots);
    CASE(idle_slabs_go_at_once);
    CASE(returned_slots_are_merged_by_the_next_holder);
    CASE(a_sleeping_owner_still_drains);
    CASE(the_lock_is_not_waited_for);
    CASE(mixed_slabs_and_bins);
    CASE(one_where_a_batch_is_refused);
    CASE(without_pages);
    CASE(without_records);
    CASE(double_frees_are_told);
    CASE(interior_pointers_are_told);
    return 0;
}
