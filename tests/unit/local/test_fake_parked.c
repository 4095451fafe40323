// unit/local/test_fake_parked.c - when a cache may be taken from its thread, and what is left then.
//
// The other thread is a root at the end of a stack made here; the fake kernel says what it does.
#include "local/parked.h"

#include "conf/options.h"
#include "tests/support/fake_os.h"
#include "tests/unit/cases.h"
#include "tests/unit/local/caches.h"

enum { NUMBER = 7, WORDS = 1000, SLOTS = 100 };

static const class_id           id = 4;
static const struct parked_code code = {0x10000, 0x20000};

static struct {
    uint64_t           words[WORDS];
    struct thread_root root;
} other;
static struct cache *cache;

static uint64_t out_of_bins(void) {
    return arena_at(0)->bins[id].taken;
}

static void fill(struct cache *filled) {
    void *slots[SLOTS];
    for (unsigned i = 0; i < SLOTS; i++)
        slots[i] = caches_take(filled, id);
    for (unsigned i = 0; i < SLOTS; i++)
        caches_give(filled, id, slots[i]);
}

// The other thread sleeps, and its cache holds slots.
static void fall_asleep(void) {
    memset(&other, 0, sizeof other);
    cache = caches_new();
    fill(cache);
    CHECK(out_of_bins() > 0);
    other.root.phase = THREAD_LIVE;
    other.root.cache = other.root.pops = cache;
    caches_own(cache, &other.root, NUMBER);
    fake_sleep(NUMBER, (uintptr_t)other.words);
    fake_on_look(NULL);
    fake_forget();
}

static void start(void) {
    fake_reset();
    arena_start(2, UINT64_C(2000000000), os_now_ns());
    fall_asleep();
}

static void check_is_left(void) {
    uint64_t held = out_of_bins();
    CHECK_EQ(parked_take(code), 0);
    CHECK_EQ(out_of_bins(), held);
    CHECK(other.root.cache == cache && !other.root.taken);
    CHECK(cache->seat->root == &other.root);
    CHECK_EQ(cache->seat->state, CACHE_LIVE);
}

static void check_is_taken(void) {
    CHECK_EQ(parked_take(code), 1);
    CHECK_EQ(out_of_bins(), 0);
    CHECK(other.root.cache == CACHE_NONE && other.root.taken);
    CHECK(other.root.pops == CACHE_NONE);
    CHECK(cache->seat->root == NULL);
    CHECK_EQ(cache->seat->state, CACHE_UNUSED);
    CHECK_EQ(caches_owned(), 0);
}

static void a_sleeper_is_taken_from(void) {
    start();
    check_is_taken();
    fake_forget();
    CHECK_EQ(parked_take(code), 0);
    CHECK_EQ(fake_count(FAKE_ANY), 0);  // nobody has a cache: nobody is asked about
    arena_check();
}

// Three looks: before anything is touched, after the cache is hidden, after the stack was read.
static void one_that_wakes_is_let_be(void) {
    start();
    check_is_taken();
    for (unsigned look = 1; look <= 3; look++) {
        fall_asleep();
        fake_fail(FAKE_THREAD_ASLEEP, look, 1);
        check_is_left();
        CHECK_EQ(fake_count(FAKE_THREAD_ASLEEP), look);
        check_is_taken();
    }
}

static unsigned looks, moved_at;
static void     move_on(int number) {
    if (++looks == moved_at)
        fake_sleep(number, (uintptr_t)(other.words + 8));
}

static void one_that_moved_is_let_be(void) {
    start();
    check_is_taken();
    for (moved_at = 2; moved_at <= 3; moved_at++) {
        fall_asleep();
        looks = 0;
        fake_on_look(move_on);
        check_is_left();
        check_is_taken();
    }
}

// What a running thread may do meanwhile: its calls find no cache.
static void hide_and_seek(int number) {
    (void)number;
    CHECK(other.root.cache == (++looks == 1 ? cache : CACHE_NONE));
    CHECK(other.root.pops == other.root.cache);
}

static void hidden_while_looked_at(void) {
    start();
    looks = 0;
    fake_on_look(hide_and_seek);
    check_is_taken();
    CHECK_EQ(looks, 3);
}

// A slow path that knew the cache before it was hidden woke it, and the thread sleeps again.
static void wake_up(int number) {
    (void)number;
    if (++looks == moved_at)
        other.root.pops = cache;
}

static void not_when_pops_find_it(void) {
    start();
    check_is_taken();
    for (moved_at = 2; moved_at <= 3; moved_at++) {
        fall_asleep();
        looks = 0;
        fake_on_look(wake_up);
        check_is_left();
        fake_on_look(NULL);
        check_is_taken();
    }
}

static void not_out_of_a_slow_path(void) {
    start();
    other.root.inside = 1;
    check_is_left();
    other.root.inside = 0;
    check_is_taken();
}

// Anywhere on the stack, at the ends of what is read at once too.
static void not_out_of_a_fast_path(void) {
    static const uint64_t bad[] = {0x10000, 0x1fffe}, good[] = {0xffff, 0x20000};
    start();
    check_is_taken();
    for (unsigned i = 0; i < WORDS; i++) {
        fall_asleep();
        other.words[i] = good[i % 2];
        other.words[(i + 500) % WORDS] = bad[i % 2];
        check_is_left();
        other.words[(i + 500) % WORDS] = good[i % 2];
        check_is_taken();
    }
}

static void not_on_a_signal_stack(void) {
    static const uint64_t flags[] = {0, 1, 0x80000000, UINT64_C(0xabcdef0000000000)};
    start();
    check_is_taken();
    for (unsigned i = 0; i + 2 < WORDS; i++) {
        fall_asleep();
        uint64_t *words = other.words + i;
        words[0] = (uintptr_t)other.words - 64;
        words[1] = flags[i % 4];
        words[2] = 65;
        check_is_left();
        words[2] = 64;  // ends where the pointer is
        check_is_taken();
    }
}

static void what_cannot_be_read(void) {
    start();
    check_is_taken();
    for (unsigned part = 1; part <= 4; part++) {
        fall_asleep();
        fake_fail(FAKE_COPY, part, 1);
        check_is_left();
        check_is_taken();
    }
}

static void other_stacks(void) {
    uint64_t first[WORDS] = {0};  // far from the other
    start();
    fake_sleep(NUMBER, (uintptr_t)(&other.root + 1));
    check_is_left();
    fake_sleep(NUMBER, (uintptr_t)&other.root - MIB(1));
    check_is_left();
    fake_set_first_stack((uintptr_t)(first + WORDS));
    fake_sleep(NUMBER, (uintptr_t)first);
    check_is_left();  // the stack is the first thread's, the number is not
    fake_sleep(1, (uintptr_t)first);
    POKE(&cache->seat->number, 1);
    first[WORDS - 1] = code.begin;
    check_is_left();
    first[WORDS - 1] = 0;
    check_is_taken();
}

static void not_the_callers_own(void) {
    start();
    CHECK(thread_hooks());
    struct cache *mine = caches_mine();
    fill(mine);
    fake_sleep(1, (uintptr_t)&mine);
    CHECK_EQ(parked_take(code), 1);
    CHECK(thread_root.cache == mine && caches_held(mine, id) > 0);
    CHECK_EQ(caches_owned(), 1);
}

// Who ran since the last look keeps its cache; the first look knows of nobody.
static void only_the_idle_are_taken_from(void) {
    bool ran;
    start();
    CHECK_EQ(parked_take_idle(code, &ran), 0);
    CHECK(ran);
    fake_run(NUMBER, 1);
    CHECK_EQ(parked_take_idle(code, &ran), 0);
    CHECK(ran);
    fake_fail(FAKE_THREAD_RAN, 1, 1);
    CHECK_EQ(parked_take_idle(code, &ran), 0);
    CHECK(!ran && other.root.cache == cache);
    CHECK_EQ(parked_take_idle(code, &ran), 1);
    CHECK(!ran && other.root.taken);
    CHECK_EQ(out_of_bins(), 0);
}

// As its own slow paths see it: none while it is looked at, another when it was taken; and at its
// end the last one is drained.
static void the_owners_side(void) {
    start();
    CHECK(thread_hooks());
    struct cache *mine = caches_mine();
    thread_root.cache = CACHE_NONE;
    CHECK(caches_mine() == NULL);
    thread_root.cache = mine;
    CHECK(caches_mine() == mine);
    thread_hold_roots();
    caches_disown(mine->seat);
    thread_root.cache = CACHE_NONE;
    thread_root.taken = true;
    thread_release_roots();
    struct cache *next = caches_mine();
    CHECK(next != NULL && next != mine && !thread_root.taken);
    CHECK(next->seat->root == &thread_root);
    caches_delete(mine);
    fill(next);
    fake_thread_exit();
    CHECK_EQ(next->seat->state, CACHE_UNUSED);
    CHECK(next->seat->root == NULL && caches_mine() == NULL);
}

// Also one whose cache was taken ends.
static void an_end_without_a_cache(void) {
    start();
    CHECK(thread_hooks());
    struct cache *mine = caches_mine();
    caches_disown(mine->seat);
    thread_root.cache = CACHE_NONE;
    thread_root.taken = true;
    fake_thread_exit();
    CHECK_EQ(thread_root.phase, THREAD_BARE);
    CHECK(caches_mine() == NULL);
    CHECK_EQ(mine->seat->state, CACHE_LIVE);  // it is the taker's
    caches_delete(mine);
}

// Areas of unused caches go back to the kernel and serve again.
static void areas_are_cleaned(void) {
    start();
    check_is_taken();
    fake_forget();
    size_t bytes = caches_clean();
    CHECK(bytes > 0 && fake_was_purged(cache, bytes));
    CHECK_EQ(fake_resident_in(cache, CACHE_AREA_BYTES), 0);
    CHECK_EQ(caches_clean(), 0);
    CHECK(caches_new() == cache);
    caches_check(cache);
    fill(cache);
    caches_check(cache);
    CHECK_EQ(caches_clean(), 0);  // it is in use
}

// The child: who slept is not there, and the number of the thread that forked is another.
static void fork_forgets_sleepers(void) {
    start();
    CHECK(thread_hooks());
    struct cache *mine = caches_mine(), *unused = caches_new();
    caches_delete(unused);
    thread_fork_prepare();
    fake_set_thread(99);
    thread_fork_child();
    CHECK_EQ(mine->seat->number, 99);
    CHECK(mine->seat->root == &thread_root && cache->seat->root == NULL);
    CHECK_EQ(parked_take(code), 0);
    CHECK_EQ(caches_owned(), 1);
    CHECK_EQ(cache->seat->state, CACHE_ORPHAN);
    caches_adopt_orphan();
    CHECK_EQ(cache->seat->state, CACHE_UNUSED);
    CHECK(caches_clean() > 0);
}

// Cut while its area was given back.
static void fork_while_cleaning(void) {
    start();
    check_is_taken();
    cache->seat->state = CACHE_CLEANING;
    CHECK(caches_new() == cache);  // takes it off the list
    cache->seat->state = CACHE_CLEANING;
    memset(cache->top, 0x11, sizeof cache->top);
    thread_fork_prepare();
    thread_fork_child();
    CHECK_EQ(cache->seat->state, CACHE_UNUSED);
    CHECK(caches_new() == cache);
    caches_check(cache);
}

int main(void) {
    CASE(a_sleeper_is_taken_from);
    CASE(one_that_wakes_is_let_be);
    CASE(one_that_moved_is_let_be);
    CASE(hidden_while_looked_at);
    CASE(not_when_pops_find_it);
    CASE(not_out_of_a_slow_path);
    CASE(not_out_of_a_fast_path);
    CASE(not_on_a_signal_stack);
    CASE(what_cannot_be_read);
    CASE(other_stacks);
    CASE(not_the_callers_own);
    CASE(only_the_idle_are_taken_from);
    CASE(the_owners_side);
    CASE(an_end_without_a_cache);
    CASE(areas_are_cleaned);
    CASE(fork_forgets_sleepers);
    CASE(fork_while_cleaning);
    return 0;
}
