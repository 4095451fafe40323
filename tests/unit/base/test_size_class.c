// unit/base/test_size_class.c - every row of the table, every size, and the waste of each class.
//
// The rule of a slab's length: at least SLOTS_MIN slots, and as few granules as that takes.
#include "base/size_class.h"
#include "tests/support/test.h"

enum { SLOTS_MIN = 4 };

// The rows as size_class.def has them, beside the two shapes made of them.
static const struct {
    unsigned id, above, bytes, granules;
} rows[] = {
#define SIZE_CLASS(id, above, size, length) {id, above, size, length},
#include "base/size_class.def"
#undef SIZE_CLASS
};

static void test_rows(void) {
    unsigned above = 0;
    CHECK_EQ(ARRAY_COUNT(rows), SMALL_CLASS_LAST - SMALL_CLASS_FIRST + 1);
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct size_class *shape = &size_class_table[rows[i].id];
        size_t                   slab = rows[i].granules * GRANULE;
        CHECK_EQ(rows[i].id, SMALL_CLASS_FIRST + i);
        CHECK_EQ(rows[i].above, above);  // no gap, no overlap
        CHECK_EQ(rows[i].bytes % SIZE_GRAIN, 0);
        CHECK_EQ(shape->bytes, rows[i].bytes);
        CHECK_EQ(shape->granules, rows[i].granules);
        CHECK_EQ(shape->slots, slab / rows[i].bytes);
        CHECK(shape->slots >= SLOTS_MIN && shape->slots <= SLAB_SLOTS_MAX);
        CHECK(shape->granules >= 1 && shape->granules <= SLAB_GRANULES_MAX);
        CHECK((slab - GRANULE) / rows[i].bytes < SLOTS_MIN);  // one granule less would not do
        above = rows[i].bytes;
    }
    CHECK_EQ(above, SMALL_MAX);
}

static void test_other_rows(void) {
    for (class_id id = 0; id < CLASS_COUNT; id++) {
        CHECK_EQ(class_is_small(id), id >= SMALL_CLASS_FIRST && id <= SMALL_CLASS_LAST);
        if (!class_is_small(id))
            CHECK(size_class_table[id].bytes == 0 && size_class_table[id].slots == 0);
    }
}

// The lowest class that holds the size; above 128 bytes at most 1/8 of the slot is waste.
static void test_sizes(void) {
    for (size_t bytes = 0; bytes <= SMALL_MAX; bytes++) {
        class_id id = size_class_of(bytes);
        CHECK(class_is_small(id) && class_bytes(id) >= bytes);
        CHECK(id == SMALL_CLASS_FIRST || class_bytes((class_id)(id - 1)) < max_size(bytes, 1));
        if (bytes > 128)
            CHECK((class_bytes(id) - bytes) * 8 < class_bytes(id));
    }
}

static void test_slots(void) {
    for (class_id id = SMALL_CLASS_FIRST; id <= SMALL_CLASS_LAST; id++) {
        size_t bytes = class_bytes(id);
        for (size_t offset = 0; offset < SLAB_GRANULES_MAX * GRANULE; offset++)
            CHECK_EQ(size_class_slot(id, offset), offset / bytes);
    }
}

static void test_alignment(void) {
    for (size_t alignment = 1; alignment <= 2 * GRANULE; alignment *= 2) {
        for (size_t bytes = 1; bytes <= SMALL_MAX + 1; bytes += bytes < 600 ? 1 : 97) {
            class_id id = size_class_aligned(bytes, alignment);
            class_id lowest = SMALL_CLASS_FIRST;
            while (lowest <= SMALL_CLASS_LAST &&
                   (class_bytes(lowest) < bytes || class_bytes(lowest) % alignment != 0))
                lowest++;
            bool fits = lowest <= SMALL_CLASS_LAST && alignment <= GRANULE;
            CHECK_EQ(id, fits ? lowest : CLASS_NONE);
        }
    }
    CHECK_EQ(size_class_aligned(0, 16), CLASS_NONE);
    CHECK_EQ(size_class_aligned(SIZE_MAX, 16), CLASS_NONE);
    CHECK_EQ(size_class_aligned(1, SIZE_MAX / 2 + 1), CLASS_NONE);
}

// Inside a slot: for the worst request of the class, and on average over all its requests.
static void print_waste(void) {
    printf("class  bytes slots granules  worst %%  mean %%  tail %%\n");
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        double bytes = rows[i].bytes, above = rows[i].above;
        double slab = (double)(rows[i].granules * GRANULE);
        double tail = slab - bytes * size_class_table[rows[i].id].slots;
        printf("%5u %6u %5u %8u %8.2f %7.2f %7.2f\n", rows[i].id, rows[i].bytes,
               size_class_table[rows[i].id].slots, rows[i].granules,
               100 * (bytes - above - 1) / bytes, 50 * (bytes - above - 1) / bytes,
               100 * tail / slab);
    }
}

int main(void) {
    test_watchdog(100);
    print_waste();
    test_rows();
    test_other_rows();
    test_sizes();
    test_slots();
    test_alignment();
    return 0;
}
