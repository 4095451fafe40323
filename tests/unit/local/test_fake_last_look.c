// unit/local/test_fake_last_look.c - at the end of a program: what a cache holds is proved.
#include "local/last_look.h"

#include "heap/block.h"
#include "tests/support/fake_os.h"
#include "tests/unit/cases.h"
#include "tests/unit/local/caches.h"

enum { COUNT = 40 };

static const class_id id = 4;  // 64 bytes a slot

static struct cache *cache;
static void         *slots[COUNT];

static void start(void) {
    fake_reset();
    arena_start(1, UINT64_C(2000000000), os_now_ns());
    cache = caches_new();
    CHECK(cache != NULL);
    for (unsigned i = 0; i < COUNT; i++)
        CHECK((slots[i] = caches_take(cache, id)) != NULL);
    for (unsigned i = 0; i < COUNT / 2; i++)
        caches_give(cache, id, slots[i * 7 % (COUNT / 2)]);
}

static void look(void *argument) {
    last_look(argument);
}

static void expect(const char *line) {
    fake_clear_output();
    CHECK(fake_aborts(look, cache));
    CHECK(strstr(fake_output(), line) != NULL);
}

static void nothing_wrong(void) {
    start();
    uint32_t held = caches_held(cache, id);
    uint64_t taken = arena_at(0)->bins[id].taken;
    fake_forget();
    CHECK(!fake_aborts(look, cache));
    CHECK_EQ(caches_held(cache, id), held);
    CHECK_EQ(arena_at(0)->bins[id].taken, taken);
    CHECK_EQ(fake_count(FAKE_ANY), 0);
    caches_check(cache);
}

static void held_twice(void) {
    start();
    caches_give(cache, id, slots[3]);
    expect("double free of a 64-byte block");
}

static void free_in_its_slab(void) {
    start();
    void *slot = slots[COUNT - 1];
    arena_give("free", id, &slot, 1);
    caches_give(cache, id, slots[COUNT - 1]);
    expect("double free of a 64-byte block");
}

static void inside_a_block(void) {
    start();
    caches_give(cache, id, (char *)slots[COUNT - 1] + 16);
    expect("pointer into the middle of a 64-byte block");
}

static void slab_of_another_class(void) {
    start();
    void *other = caches_take(cache, (class_id)(id + 1));
    caches_give(cache, id, other);
    expect("double free of a 64-byte block");
}

// exit in the middle of a flush: what the array holds is partly given back.
static void not_in_a_flush(void) {
    start();
    caches_give(cache, id, slots[3]);
    cache->busy = true;
    CHECK(!fake_aborts(look, cache));
}

int main(void) {
    CASE(nothing_wrong);
    CASE(held_twice);
    CASE(free_in_its_slab);
    CASE(inside_a_block);
    CASE(slab_of_another_class);
    CASE(not_in_a_flush);
    return 0;
}
