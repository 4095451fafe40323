// unit/heap/test_fake_bin_fork.c - a forked child finds bins that other threads were amid.
#include "page/page_heap_walk.h"
#include "tests/unit/heap/bins.h"

enum { SLABS = 5 };

static struct pages pages;
static struct bin   bin;
static void        *slots[SLABS * 64];
static struct slab *slabs[SLABS];

// Full slabs of 64 slots: one word each.
static void start(void) {
    pages_start(&pages);
    bin_init(&bin, size_class_of(1024), &pages.heap, NULL);
    for (unsigned i = 0; i < SLABS * 64; i++)
        CHECK_EQ(bins_take(&bin, &slots[i], 1), 1);
    for (unsigned i = 0; i < SLABS; i++)
        slabs[i] = slab_at(slots[64 * i]);
    CHECK_EQ(bin.slab_count, SLABS);
}

static void return_bits(unsigned i, uint64_t bits) {
    CHECK_EQ(slab_return_bits(slabs[i], 0, bits), 0);
}

// What the child does when fork's prepare has taken the locks.
static void fork_child(void) {
    lock_acquire(&bin.lock);
    lock_acquire(&pages.heap.lock);
    lock_reset_in_child(&bin.lock);
    lock_reset_in_child(&pages.heap.lock);
    page_heap_repair_in_child(&pages.heap);
    page_heap_visit(&pages.heap, SPAN_SLAB, bin_repair_slab_in_child);
    bin_repair_in_child(&bin);
    bin_check(&bin);
    page_heap_check(&pages.heap);
}

// Cut after each of the three steps: what was set is back, what was not stays taken.
static void returns_cut_anywhere(void) {
    start();
    slab_return_begin(slabs[0]);
    slab_return_begin(slabs[1]);
    return_bits(1, 0xff);
    slab_return_begin(slabs[2]);
    return_bits(2, UINT64_MAX);
    slab_return_begin(slabs[3]);
    return_bits(3, UINT64_MAX);
    CHECK(slab_return_end(slabs[3]));  // and not pushed any more
    fork_child();
    CHECK_EQ(bin.taken, 64 + 56 + 64);
    CHECK_EQ(bin.slab_count, 3);  // idle ones went
    CHECK_EQ(slabs[1]->free_count, 8);
    for (unsigned i = 0; i < SLABS; i++)
        CHECK_EQ(page_map_class((uintptr_t)slots[64 * i]), i == 2 || i == 3 ? CLASS_FREE : bin.id);
    CHECK_EQ(bins_give(&bin, slots, 64), 0);
    CHECK_EQ(bins_give(&bin, slots + 64 + 8, 56), 0);
    CHECK_EQ(bins_give(&bin, slots + 256, 64), 0);
    CHECK_EQ(bin.slab_count, 0);
    CHECK_EQ(pages.heap.active_bytes, 0);
}

// The stack may be cut in half as well: it is not looked at.
static void announced_slabs_are_found_without_the_stack(void) {
    start();
    bin_return("free", bin.id, slots, 3);
    bin_return("free", bin.id, slots + 64, 5);
    slabs[1]->hand.next = NULL;  // a push between its two stores
    fork_child();
    CHECK_EQ(bin.taken, SLABS * 64 - 8);
    CHECK_EQ(bin.pending, 0);
    CHECK(!handback_has_news(&bin.news));
    bin_return("free", bin.id, slots + 3, 4);  // and it works again
    CHECK(handback_has_news(&bin.news));
    CHECK_EQ(bins_take(&bin, slots, 1), 1);
    CHECK_EQ(bin.taken, SLABS * 64 - 11);
}

// A slab whose holes another thread was giving back can be taken from again.
static void busy_slabs_are_listed_again(void) {
    start();
    CHECK_EQ(bins_give(&bin, slots, 60), 0);
    bin_set_aside_locked(&bin, slabs[0]);
    fork_child();
    CHECK(!slabs[0]->busy);
    CHECK_EQ(bins_take(&bin, slots, 60), 60);
    CHECK_EQ(bin.slab_count, SLABS);
}

int main(void) {
    CASE(returns_cut_anywhere);
    CASE(announced_slabs_are_found_without_the_stack);
    CASE(busy_slabs_are_listed_again);
    return 0;
}
