// tests/model/test_fake_slab.c - slabs of random classes beside one state a slot.
//
// The steps of the return protocol are taken apart and mixed with everything else, for several
// returners at once; what each order of steps means for the slab's life is interleave_slab.c's.
#include "heap/slab.h"

#include "os/handback.h"
#include "page/page_heap.h"
#include "tests/model/model.h"

enum { RETURNERS = 3, SLABS = 40, STEPS = 4000 };

enum slot { FREE, TAKEN, RETURNED };

static struct source_map map;
static struct page_gauge gauge;
static struct page_heap  heap;
static struct handback   news;

static struct slab *slab;
static uint8_t      model[SLAB_SLOTS_MAX];  // enum slot
static uint32_t     counts[3];              // slots in each state
static uint32_t     high_water;
static bool         is_announced;
static bool         is_in[RETURNERS];  // between begin and end

static void change(uint32_t slot, enum slot to) {
    counts[model[slot]]--;
    counts[to]++;
    model[slot] = (uint8_t)to;
}

static bool new_slab(class_id id) {
    struct span *span = page_heap_take(&heap, size_class_table[id].granules, 1);
    slab = span ? slab_new(span, NULL, id) : NULL;
    CHECK(slab || model_fails);
    if (span && !slab)
        page_heap_give(&heap, span, 0, 0);
    if (!slab)
        return false;
    CHECK(slab_is_idle(slab) && slab->slot_count == size_class_table[id].slots);
    memset(model, FREE, sizeof model);
    counts[FREE] = slab->slot_count;
    counts[TAKEN] = counts[RETURNED] = high_water = 0;
    is_announced = false;
    handback_init(&news);
    return true;
}

// --- operations ---------------------------------------------------------------------------------

// The line of `slot` is wholly free; lines are what short batches of the smallest classes get.
static bool line_is_free(uint32_t slot) {
    uint32_t group = CACHE_LINE / slab_bytes(slab), first = slot / group * group;
    for (uint32_t i = first; i < first + group; i++)
        if (model[i] != FREE)
            return false;
    return true;
}

static bool gets_lines(uint32_t count) {
    uint32_t bytes = slab_bytes(slab), free_slots = 0;
    if (bytes > 32 || CACHE_LINE % bytes != 0 || count == 0 || count * bytes % CACHE_LINE != 0 ||
        count * bytes > 4 * CACHE_LINE)
        return false;
    for (uint32_t slot = 0; slot < slab->slot_count; slot++)
        free_slots += line_is_free(slot);
    return free_slots >= count;
}

static void take(void) {
    void    *out[SLAB_SLOTS_MAX];
    uint32_t count = model_chance(50) ? 1 + model_below(4) : model_below(slab->slot_count + 2u);
    bool     lines = gets_lines(count), candidate[SLAB_SLOTS_MAX];
    for (uint32_t slot = 0; slot < slab->slot_count; slot++)
        candidate[slot] = lines ? line_is_free(slot) : model[slot] == FREE;
    uint32_t taken = slab_take(slab, out, count);
    CHECK_EQ(taken, count < counts[FREE] ? count : counts[FREE]);
    uint32_t slot = 0;
    for (uint32_t i = taken; i-- > 0; slot++) {  // the lowest free ones, lowest on top
        while (!candidate[slot])
            slot++;
        CHECK((uintptr_t)out[i] == slab_slot_address(slab, slot));
        CHECK_EQ(slab_slot_of(slab, (uintptr_t)out[i]), slot);
        change(slot, TAKEN);
        high_water = slot >= high_water ? slot + 1 : high_water;
    }
}

static bool give_one(uint32_t slot) {
    void *const address = (void *)slab_slot_address(slab, slot);
    return slab_give(slab, &address, 1) == 1;
}

static void give(void) {
    uint32_t slot = model_below(slab->slot_count);
    CHECK_EQ(give_one(slot), model[slot] == TAKEN);
    if (model[slot] == TAKEN)
        change(slot, FREE);
}

static void begin_or_end(unsigned who) {
    if (!is_in[who]) {
        slab_return_begin(slab);
        is_in[who] = true;
        return;
    }
    bool announces = slab_return_end(slab);
    CHECK_EQ(announces, !is_announced);
    if (announces)
        handback_push(&news, &slab->hand);
    is_announced = true;
    is_in[who] = false;
}

// Some taken slots of one word come back.
static void return_word(unsigned who) {
    uint32_t word = model_below(slab->word_count);
    uint64_t bits = 0;
    if (!is_in[who])
        return;
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t slot = word * 64 + i;
        if (slot >= slab->slot_count || model[slot] != TAKEN || model_chance(40))
            continue;
        bits |= (uint64_t)1 << i;
        change(slot, RETURNED);
    }
    if (bits)
        CHECK_EQ(slab_return_bits(slab, word, bits), 0);
}

static void merge(void) {
    if (!is_announced) {
        CHECK(handback_next(&news) == NULL);
        return;
    }
    CHECK(handback_next(&news) == &slab->hand);
    CHECK_EQ(slab_merge(slab), counts[RETURNED]);
    is_announced = false;
    for (uint32_t slot = 0; slot < slab->slot_count; slot++)
        if (model[slot] == RETURNED)
            change(slot, FREE);
}

// --- checks -------------------------------------------------------------------------------------

// No slot of the page is in use; from high_water on none ever was.
static bool is_hole(uintptr_t page) {
    uint32_t last = slab_slot_of(slab, page + 4095);
    for (uint32_t slot = slab_slot_of(slab, page); slot <= last && slot < high_water; slot++)
        if (model[slot] != FREE)
            return false;
    return true;
}

static void check_holes(void) {
    uint32_t  slot = 0;
    uintptr_t start, end, page = slab->base;
    while (slab_next_hole(slab, &slot, &start, &end)) {
        for (; page < start; page += 4096)
            CHECK(!is_hole(page) || page >= slab_touched_end(slab));
        for (; page < end; page += 4096)
            CHECK(is_hole(page));
    }
    for (; page < slab_touched_end(slab); page += 4096)
        CHECK(!is_hole(page));
}

static void check(void) {
    bool anybody = is_in[0] || is_in[1] || is_in[2];
    CHECK_EQ(slab->free_count, counts[FREE]);
    CHECK_EQ(slab->high_water, high_water);
    CHECK_EQ(slab_is_idle(slab), counts[FREE] == slab->slot_count && !anybody && !is_announced);
    uint32_t slot = model_below(slab->slot_count);
    CHECK_EQ(slab_slot_is_free(slab, slot), model[slot] != TAKEN);
}

static void one_step(void) {
    unsigned who = model_below(RETURNERS);
    uint32_t kind = model_below(100);
    if (kind < 30)
        take();
    else if (kind < 50)
        give();
    else if (kind < 70)
        begin_or_end(who);
    else if (kind < 85)
        return_word(who);
    else if (kind < 95)
        merge();
    else if (kind < 98)
        slab_check(slab);
    else
        check_holes();
    check();
}

// All come back, and the slab goes.
static void end(void) {
    for (unsigned who = 0; who < RETURNERS; who++)
        if (is_in[who])
            begin_or_end(who);
    merge();
    for (uint32_t slot = 0; slot < slab->slot_count; slot++)
        if (model[slot] == TAKEN)
            CHECK(give_one(slot));
    slab_check(slab);
    CHECK(slab_is_idle(slab));
    struct span *span = slab->span;
    slab_delete(slab);
    page_heap_give(&heap, span, 0, 0);
}

static void body(void) {
    source_map_init(&map);
    page_heap_init(&heap, &map.source, NULL, &gauge);
    for (unsigned i = 0; i < SLABS;) {
        model_weather();
        class_id id = (class_id)(SMALL_CLASS_FIRST + model_below(SMALL_CLASS_LAST));
        if (!new_slab(id))
            continue;
        i++;
        for (unsigned step = 0; step < STEPS; step++)
            one_step();
        end();
        CHECK_EQ(heap.active_bytes, 0);
    }
}

int main(int argc, char **argv) {
    return model_main(argc, argv, body);
}
