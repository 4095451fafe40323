// tests/model/test_fake_cache.c - caches over bins over arenas beside a list of the live blocks.
//
// No slot is handed out twice, what stands in a block stays there, and in the end all slots come
// back and all memory with them. Caches come and go, processors change, time passes, memory is
// trimmed, and slots go back through any cache or none.
#include "conf/options.h"
#include "heap/block.h"
#include "heap/huge.h"
#include "tests/model/model.h"
#include "tests/unit/local/caches.h"

enum { LIVE_MAX = 4000, CACHES = 5, STEPS = 120000, CLASSES = 8 };

static const uint64_t second = 1000000000;

static struct live {
    uint64_t *slot;
    uint64_t  mark;
    class_id  id;
} live[LIVE_MAX];
static unsigned live_count;
static uint64_t next_mark;
static unsigned forks;

static struct cache *caches[CACHES];
static class_id      classes[CLASSES];  // of this run: few, so that they are busy

// --- what stands in a block: its mark, at its start, its end and in each page -------------------

static void write_mark(const struct live *one) {
    size_t words = class_bytes(one->id) / 8;
    for (size_t i = 0; i < words; i += 256)
        one->slot[i] = one->mark + i;
    one->slot[words - 1] = one->mark;
}

static void check_mark(const struct live *one) {
    size_t words = class_bytes(one->id) / 8;
    CHECK(one->slot[words - 1] == one->mark);
    for (size_t i = 0; i < words - 1; i += 256)
        CHECK(one->slot[i] == one->mark + i);
}

// --- operations ---------------------------------------------------------------------------------

static struct cache *any_cache(void) {
    unsigned i = model_below(CACHES);
    if (!caches[i])
        caches[i] = caches_new();
    CHECK(caches[i] || model_fails);
    return caches[i];
}

static void take(void) {
    struct cache *cache = any_cache();
    class_id      id = classes[model_below(CLASSES)];
    void         *slot = NULL;
    if (live_count == LIVE_MAX)
        return;
    if (cache && model_chance(97))
        slot = caches_take(cache, id);
    else
        arena_take(id, &slot, 1);
    CHECK(slot || model_fails);
    if (!slot)
        return;
    struct block block = block_find(slot);
    CHECK(block.kind == BLOCK_SMALL && block.id == id && block.base == (uintptr_t)slot);
    struct live *one = &live[live_count++];
    *one = (struct live){slot, next_mark += 100000, id};
    write_mark(one);
}

static void give(unsigned i) {
    struct cache *cache = any_cache();
    struct live   one = live[i];
    void         *slot = one.slot;
    check_mark(&one);
    live[i] = live[--live_count];
    if (cache && model_chance(97)) {
        caches_give(cache, one.id, slot);
    } else {
        arena_give("free", one.id, &slot, 1);
        arena_settle();
    }
}

static void burst(void) {
    unsigned count = model_below(1500);
    bool     takes = model_chance(50);
    for (unsigned i = 0; i < count; i++) {
        if (takes)
            take();
        else if (live_count > 0)
            give(model_below(live_count));
    }
}

static void end_cache(void) {
    unsigned i = model_below(CACHES);
    if (caches[i])
        caches_delete(caches[i]);
    caches[i] = NULL;
}

static void fork_child(void) {
    struct cache *mine = caches[0];
    caches_fork_prepare();
    caches_fork_child(mine);
    for (unsigned i = 1; i < CACHES; i++)
        caches[i] = NULL;
    forks++;
}

static void rare_step(void) {
    switch (model_below(9)) {
    case 0:
        burst();
        break;
    case 1:
        end_cache();
        break;
    case 2:
        fake_set_cpu(model_below(5000));
        break;
    case 3:
        fake_advance(model_below(UINT32_MAX));
        break;
    case 4:
        arena_trim(model_below(1000000));
        break;
    case 5:
        if (caches[0])
            cache_drain(caches[0]);
        break;
    case 6:
        options_set(model_chance(50) ? OPT_CACHE : OPT_CACHE_TOTAL, model_below(2000000));
        break;
    case 7:
        fork_child();
        break;
    default:
        caches_adopt_orphan();
        break;
    }
}

static void check_all(void) {
    arena_check();
    for (unsigned i = 0; i < CACHES; i++)
        if (caches[i])
            caches_check(caches[i]);
}

// --- the run ------------------------------------------------------------------------------------

static void end(void) {
    model_fair_weather();
    while (live_count > 0)
        give(0);
    for (unsigned i = 0; i < CACHES; i++)
        if (caches[i])
            caches_delete(caches[i]);
    for (unsigned i = 0; i < forks * CACHES; i++)
        caches_adopt_orphan();
    arena_trim(0);
    arena_check();
    for (unsigned i = 0; i < arena_limit(); i++) {
        struct arena *arena = arena_at(i);
        for (unsigned id = SMALL_CLASS_FIRST; arena && id <= SMALL_CLASS_LAST; id++) {
            CHECK_EQ(arena->bins[id].taken, 0);
            CHECK_EQ(arena->bins[id].slab_count, 0);
        }
        CHECK_EQ(arena ? arena->pages.active_bytes : 0, 0);
        CHECK_EQ(arena ? arena->pages.dirty_bytes : 0, 0);
    }
    for (unsigned id = SMALL_CLASS_FIRST; id <= SMALL_CLASS_LAST; id++)
        CHECK_EQ(caches_slots((class_id)id), 0);
}

static void body(void) {
    fake_break_place(16, MIB(4 + model_below(100)));
    CHECK_EQ(options_set(OPT_PURGE_BUDGET, model_below(MIB(4))), OPTION_OK);
    arena_start(1 + model_below(4), second / 2, os_now_ns());
    for (unsigned i = 0; i < CLASSES; i++)
        classes[i] = (class_id)(SMALL_CLASS_FIRST + model_below(i < 5 ? 40 : SMALL_CLASS_LAST));
    for (unsigned step = 0; step < STEPS; step++) {
        uint32_t kind = model_below(1000);
        model_weather();
        if (kind < 4)
            rare_step();
        else if (kind < 510 || live_count == 0)
            take();
        else
            give(model_below(live_count));
        if (step % 500 == 0)
            fake_forget();
        if (step % 2000 == 0)
            check_all();
    }
    end();
}

int main(int argc, char **argv) {
    return model_main(argc, argv, body);
}
