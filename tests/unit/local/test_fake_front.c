// unit/local/test_fake_front.c - what a thread frees waits in front of the quarantine, goes on by
// chance, each slot once, and nothing stays when the front is emptied.
#include "local/front.h"

#include "tests/unit/heap/hardened.h"

enum { SLOTS = 2000 };

static class_id     id;
static struct front front;
static void        *slots[SLOTS];

static void start(char *knob) {
    hardened_begin(knob);
    id = size_class_of(48);
    CHECK(front_make(&front) == &front);
    for (unsigned i = 0; i < SLOTS; i++) {
        CHECK_EQ(arena_take(id, &slots[i], 1), 1);
        hardened_dress(slots[i], 1);
    }
}

static uint64_t taken(void) {
    return arena_at(0)->bins[id].taken;
}

// How many left the quarantine for it.
static unsigned put(void *slot) {
    struct quarantine_leavers leavers = {.count = 0};
    unsigned                  left = 0;
    CHECK_EQ(hardened_end_live("free", slot), id);
    if (front_put(&front, slot, id))
        return 0;
    CHECK_EQ(front.count, FRONT_PASSING);
    for (bool more = true; more; left += leavers.count) {
        more = front_pass(&front, &leavers);
        CHECK(front.count < FRONT_PASSING);
        hardened_leave(&leavers, 0);
    }
    return left;
}

static unsigned seen[SLOTS];
static void     look(void *slot) {
    for (unsigned i = 0; i < SLOTS; i++)
        seen[i] += slots[i] == slot;
}

static void each_once(void) {
    start(NULL);
    for (unsigned i = 0; i < 1000; i++) {
        CHECK_EQ(put(slots[i]), 0);
        CHECK_EQ(front_count(&front, id) + quarantine_count(id), i + 1);
    }
    CHECK_EQ(front_count(&front, id + 1), 0);
    front_each(&front, look);
    quarantine_each(look);
    for (unsigned i = 0; i < SLOTS; i++)
        CHECK_EQ(seen[i], i < 1000);
    quarantine_check();
}

// Who comes to the places goes on after some others, and nobody can tell after how many: one in 32
// after the next, half within the next 22.
static void by_chance(void) {
    unsigned next = 0, soon = 0;
    start(NULL);
    for (unsigned i = 0; i < SLOTS; i++) {
        uint32_t before = front.count;
        CHECK_EQ(hardened_end_live("free", slots[i]), id);
        front_put(&front, slots[i], id);
        if (front.count > before) {
            void *gone = quarantine_slot(front.passing[before]);
            next += i > 0 && gone == slots[i - 1];
            for (unsigned back = 1; back <= 22 && back <= i; back++)
                soon += gone == slots[i - back];
        }
        front.count %= FRONT_PASSING;  // they are given up
    }
    CHECK(next > SLOTS / 64 && next < SLOTS / 16);
    CHECK(soon > SLOTS * 2 / 5 && soon < SLOTS * 3 / 5);
}

static void drained(void) {
    start(NULL);
    for (unsigned i = 0; i < 100; i++)
        put(slots[i]);
    front_drain(&front);
    CHECK_EQ(front_count(&front, id), 0);
    CHECK_EQ(quarantine_count(id), 100);
    CHECK_EQ(taken(), SLOTS);
    front_drain(&front);
    while (hardened_flush())
        ;
    CHECK_EQ(taken(), SLOTS - 100);
}

// The quarantine is full: as many leave as come.
static void what_leaves(void) {
    unsigned left = 0;
    start((char *)(uintptr_t) "TIDE_QUARANTINE=16K");
    for (unsigned i = 0; i < SLOTS; i++)
        left += put(slots[i]);
    CHECK_EQ(left + front_count(&front, id) + quarantine_count(id), SLOTS);
    CHECK(left > SLOTS / 2);
    CHECK_LE(quarantine_bytes(), KIB(16));
    CHECK_EQ(taken(), SLOTS - left);
    front_drain(&front);
    CHECK_EQ(taken(), quarantine_count(id));
    quarantine_check();
}

// A front holds a small part of the quarantine's bytes.
static void how_large(void) {
    quarantine_start(MIB(1));
    CHECK_EQ(quarantine_front_most, QUARANTINE_FRONT_MOST);
    quarantine_start(KIB(16));
    CHECK_EQ(quarantine_front_most, 64);
    quarantine_start(0);
    CHECK_EQ(quarantine_front_most, 0);
}

static void words(void) {
    for (unsigned of = SMALL_CLASS_FIRST; of <= SMALL_CLASS_LAST; of++) {
        void     *slot = (void *)((((uintptr_t)1 << QUARANTINE_CLASS_SHIFT) - 16) ^ of * 4096);
        uintptr_t word = quarantine_word(slot, (class_id)of);
        CHECK(quarantine_slot(word) == slot);
        CHECK_EQ(quarantine_class(word), of);
    }
}

int main(void) {
    CASE(each_once);
    CASE(by_chance);
    CASE(drained);
    CASE(what_leaves);
    CASE(how_large);
    CASE(words);
    return 0;
}
