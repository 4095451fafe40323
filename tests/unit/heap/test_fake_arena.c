// unit/heap/test_fake_arena.c - which arena serves: on demand, by processor, around a taken lock.
//
// Budget, trim and life without memory are in test_fake_arena_return.c.
#include "heap/arena.h"

#include <pthread.h>
#include <sched.h>

#include "tests/unit/heap/bins.h"

enum { ARENAS = 4, SLOTS = 1000 };

static const uint64_t second = 1000000000;
static const class_id id = 4;  // 64 bytes a slot

static void *slots[SLOTS];

static void start(unsigned arenas) {
    fake_reset();
    arena_start(arenas, 2 * second, os_now_ns());
}

static void take(void **out, uint32_t count) {
    for (uint32_t taken = 0; taken < count;) {
        uint32_t more = arena_take(id, out + taken, count - taken);
        CHECK(more > 0 && more <= count - taken);
        taken += more;
    }
}

// The arena a slot came from.
static unsigned arena_of(const void *slot) {
    struct bin *bin = slab_at(slot)->bin;
    for (unsigned i = 0; i < ARENAS; i++)
        if (arena_at(i) && &arena_at(i)->bins[id] == bin)
            return i;
    CHECK(!"the slot of no arena");
    return 0;
}

static unsigned arena_taken(void) {
    void *slot;
    take(&slot, 1);
    unsigned index = arena_of(slot);
    arena_give("free", id, &slot, 1);
    return index;
}

// --- holding a lock from another thread ---------------------------------------------------------

static pthread_barrier_t barrier;

static void *hold(void *lock) {
    lock_acquire(lock);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    lock_release(lock);
    return NULL;
}

static pthread_t hold_begin(struct lock *lock) {
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    CHECK_EQ(pthread_create(&thread, NULL, hold, lock), 0);
    pthread_barrier_wait(&barrier);
    return thread;
}

static void hold_end(pthread_t thread) {
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
}

// --- cases --------------------------------------------------------------------------------------

static void one_arena_without_contention(void) {
    start(ARENAS);
    CHECK_EQ(arena_limit(), ARENAS);
    CHECK(arena_at(0) != NULL);
    for (unsigned cpu = 0; cpu < 8; cpu++) {
        fake_set_cpu(cpu);
        CHECK_EQ(arena_taken(), 0);
    }
    for (unsigned i = 1; i < ARENAS; i++)
        CHECK(arena_at(i) == NULL);
    CHECK(arena_at(0)->pages.source != &arena_at(0)->map.source);  // the data segment's
    CHECK_EQ(arena_at(0)->map.source.region_count, 0);
    arena_check();
}

// A taken lock is not waited for: the next arena serves, and is made for that.
static void a_taken_lock_is_passed_by(void) {
    void *slot;
    start(ARENAS);
    pthread_t thread = hold_begin(&arena_at(0)->bins[id].lock);
    take(&slot, 1);
    CHECK_EQ(arena_of(slot), 1);
    CHECK(arena_at(1) != NULL && arena_at(1)->index == 1);
    CHECK(arena_at(2) == NULL);
    CHECK_EQ(counters_process.value[COUNTER_contended], 1);
    hold_end(thread);
    CHECK_EQ(arena_taken(), 0);
    arena_give("free", id, &slot, 1);
    arena_check();
}

// A slot goes home without its bin's lock.
static void a_taken_lock_does_not_stop_a_give(void) {
    start(ARENAS);
    take(slots, 10);
    struct bin *bin = &arena_at(0)->bins[id];
    pthread_t   thread = hold_begin(&bin->lock);
    arena_give("free", id, slots, 10);
    CHECK(handback_has_news(&bin->news));
    hold_end(thread);
    CHECK_EQ(bin->taken, 10);
    CHECK_EQ(arena_taken(), 0);
    CHECK_EQ(bin->taken, 0);
    CHECK_EQ(bin->slab_count, 0);
}

static void large_blocks_pass_by_too(void) {
    start(ARENAS);
    pthread_t    thread = hold_begin(&arena_at(0)->pages.lock);
    struct span *span = arena_take_large(100000, 1);
    CHECK(span->pages == &arena_at(1)->pages);
    hold_end(thread);
    struct span *other = arena_take_large(100000, 1);
    CHECK(other->pages == &arena_at(0)->pages);
    arena_give_large(span);
    arena_give_large(other);
    CHECK_EQ(arena_at(0)->pages.active_bytes + arena_at(1)->pages.active_bytes, 0);
}

// Locks found taken again and again put more arenas to use, up to the limit and not beyond.
static void contend(unsigned times) {
    pthread_t thread = hold_begin(&arena_at(0)->bins[id].lock);
    fake_set_cpu(0);
    for (unsigned i = 0; i < times; i++) {
        void *slot;
        take(&slot, 1);
        arena_give("free", id, &slot, 1);
    }
    hold_end(thread);
}

static void use_all_arenas(void) {
    contend(20000);
}

// Whoever finds the last arena in use locked goes round to the first, not on to a new one.
static void active_arenas_are_passed_first(void) {
    void *slot;
    start(ARENAS);
    contend(5000);
    fake_set_cpu(1);
    CHECK_EQ(arena_taken(), 1);
    pthread_t thread = hold_begin(&arena_at(1)->bins[id].lock);
    take(&slot, 1);
    CHECK_EQ(arena_of(slot), 0);
    CHECK(arena_at(2) == NULL);
    hold_end(thread);
    arena_give("free", id, &slot, 1);
    arena_check();
}

static void contention_earns_arenas(void) {
    start(ARENAS);
    use_all_arenas();
    for (unsigned cpu = 0; cpu < 12; cpu++) {
        fake_set_cpu(cpu);
        CHECK_EQ(arena_taken(), cpu % ARENAS);
    }
    arena_check();
}

// A processor number is only ever used modulo the number of arenas.
static void any_processor_number(void) {
    const unsigned numbers[] = {3, 4, 255, 256, 4095, 65535, 1u << 31, UINT32_MAX};
    start(3);
    use_all_arenas();
    for (unsigned i = 0; i < ARRAY_COUNT(numbers); i++) {
        fake_set_cpu(numbers[i]);
        CHECK_EQ(arena_taken(), numbers[i] % 3);
        struct span *span = arena_take_large(100000, 1);
        CHECK(span->pages == &arena_at(numbers[i] % 3)->pages);
        CHECK(arena_pages() == span->pages);
        arena_give_large(span);
    }
    arena_check();
}

// What lies free in an arena that nobody is at goes as well.
static void one_budget_for_all_arenas(void) {
    static struct span *spans[40];
    start(ARENAS);
    use_all_arenas();
    fake_set_cpu(3);
    for (unsigned i = 0; i < ARRAY_COUNT(spans); i++) {
        spans[i] = arena_take_large(MIB(1), 1);
        CHECK(spans[i] && spans[i]->pages == &arena_at(3)->pages);
    }
    fake_set_cpu(0);
    for (unsigned i = 0; i < ARRAY_COUNT(spans); i++) {
        arena_give_large(spans[i]);
        CHECK_LE(arena_at(3)->pages.dirty_bytes, MIB(16));
    }
    arena_check();
}

static void *try_lock(void *lock) {
    if (!lock_try(lock))
        return NULL;
    lock_release(lock);
    return lock;
}

static bool is_free(struct lock *lock) {
    pthread_t thread;
    void     *got;
    CHECK_EQ(pthread_create(&thread, NULL, try_lock, lock), 0);
    CHECK_EQ(pthread_join(thread, &got), 0);
    return got != NULL;
}

// Nobody is amid a change of a bin or of pages while the process is copied.
static void fork_waits_for_who_is_inside(void) {
    start(2);
    use_all_arenas();
    arena_fork_prepare();
    for (unsigned i = 0; i < 2; i++)
        CHECK(!is_free(&arena_at(i)->bins[id].lock) && !is_free(&arena_at(i)->pages.lock));
    arena_fork_parent();
    for (unsigned i = 0; i < 2; i++)
        CHECK(is_free(&arena_at(i)->bins[id].lock) && is_free(&arena_at(i)->pages.lock));
}

static void rare_contention_earns_none(void) {
    start(ARENAS);
    for (unsigned i = 0; i < 300; i++) {
        pthread_t thread = hold_begin(&arena_at(0)->bins[id].lock);
        void     *slot;
        take(&slot, 1);
        CHECK_EQ(arena_of(slot), 1);
        hold_end(thread);
        arena_give("free", id, &slot, 1);
        for (unsigned k = 0; k < 8; k++) {  // time goes by, with traffic
            fake_advance(second / 10);
            arena_settle();
        }
    }
    fake_set_cpu(3);
    CHECK_EQ(arena_taken(), 0);
}

static void slots_of_many_arenas_find_home(void) {
    start(ARENAS);
    use_all_arenas();
    for (unsigned i = 0; i < SLOTS; i++) {
        fake_set_cpu(i);
        take(&slots[i], 1);
        test_fill(slots[i], 64, i);
    }
    for (unsigned i = 0; i < SLOTS; i++)
        CHECK(test_is_filled(slots[i], 64, i));
    arena_give("free", id, slots, SLOTS);
    arena_trim(0);
    arena_check();
    for (unsigned i = 0; i < ARENAS; i++) {
        CHECK_EQ(arena_at(i)->bins[id].taken, 0);
        CHECK_EQ(arena_at(i)->pages.active_bytes, 0);
    }
}

static void *hold_until_contended(void *lock) {
    lock_acquire(lock);
    pthread_barrier_wait(&barrier);
    while (PEEK(&counters_process.value[COUNTER_contended]) < 4)
        sched_yield();
    lock_release(lock);
    return NULL;
}

// Where there is no memory for another arena the first one serves, and is waited for.
static void no_memory_for_another_arena(void) {
    pthread_t thread;
    void     *slot;
    start(ARENAS);
    take(slots, 1);
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    while (meta_forever(64) != NULL) {
    }
    pthread_barrier_init(&barrier, NULL, 2);
    struct lock *lock = &arena_at(0)->bins[id].lock;
    CHECK_EQ(pthread_create(&thread, NULL, hold_until_contended, lock), 0);
    pthread_barrier_wait(&barrier);
    take(&slot, 1);
    CHECK_EQ(arena_of(slot), 0);
    CHECK(arena_at(1) == NULL);
    CHECK_EQ(counters_process.value[COUNTER_contended], 4);
    pthread_join(thread, NULL);
    arena_give("free", id, &slot, 1);
}

static void figures_add_up(void) {
    struct counters totals = {{0}};
    start(ARENAS);
    use_all_arenas();
    arena_trim(0);
    take(slots, 100);
    fake_set_cpu(1);
    struct span *span = arena_take_large(500000, 1);
    CHECK(span->pages == &arena_at(1)->pages);
    arena_count(&totals);
    CHECK_EQ(totals.value[COUNTER_arenas], 2);
    CHECK_EQ(totals.value[COUNTER_small_bytes], 6400);
    CHECK_EQ(totals.value[COUNTER_slabs], 1);
    uint64_t segment = arena_at(0)->pages.source->committed_bytes;
    uint64_t mapped = segment + arena_at(1)->map.source.committed_bytes;
    CHECK_EQ(totals.value[COUNTER_break_bytes], segment);
    CHECK_EQ(totals.value[COUNTER_mapped_bytes], mapped);
    CHECK_EQ(totals.value[COUNTER_free_bytes] + totals.value[COUNTER_returned_bytes] + GRANULE +
                 span_bytes(span),
             mapped);
    CHECK_EQ(totals.value[COUNTER_mappings], 1);
}

static void fork_keeps_it_usable(void) {
    start(ARENAS);
    use_all_arenas();
    arena_fork_prepare();
    arena_fork_parent();
    take(slots, 100);
    arena_fork_prepare();
    arena_fork_child();
    take(slots + 100, 100);
    arena_give("free", id, slots, 200);
    arena_check();
}

// What a thread that is gone was about to resize.
static void fork_repairs_claimed_blocks(void) {
    start(ARENAS);
    struct span *span = arena_take_large(100000, 1);
    CHECK(page_map_claim(span->base, CLASS_LARGE) && !page_map_claim(span->base, CLASS_LARGE));
    arena_fork_prepare();
    arena_fork_child();
    CHECK_EQ(page_map_class(span->base), CLASS_LARGE);
    arena_give_large(span);
    arena_check();
}

int main(void) {
    CASE(one_arena_without_contention);
    CASE(a_taken_lock_is_passed_by);
    CASE(a_taken_lock_does_not_stop_a_give);
    CASE(large_blocks_pass_by_too);
    CASE(active_arenas_are_passed_first);
    CASE(contention_earns_arenas);
    CASE(any_processor_number);
    CASE(one_budget_for_all_arenas);
    CASE(fork_waits_for_who_is_inside);
    CASE(rare_contention_earns_none);
    CASE(slots_of_many_arenas_find_home);
    CASE(no_memory_for_another_arena);
    CASE(figures_add_up);
    CASE(fork_keeps_it_usable);
    CASE(fork_repairs_claimed_blocks);
    return 0;
}
