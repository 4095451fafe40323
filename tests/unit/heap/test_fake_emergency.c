// unit/heap/test_fake_emergency.c - blocks of signal handlers: whole, apart, and one day used up.
#include "conf/counters.h"
#include "heap/block.h"
#include "heap/emergency.h"
#include "tests/support/fake_os.h"
#include "tests/unit/cases.h"

#define AREA ((size_t)16 << 20)

static uintptr_t take(size_t bytes, size_t alignment) {
    char *block = emergency_take(bytes, alignment);
    CHECK(block != NULL && (uintptr_t)block % alignment == 0);
    CHECK(emergency_find((uintptr_t)block) >= bytes);
    CHECK(test_is_byte(block, emergency_find((uintptr_t)block), 0));
    return (uintptr_t)block;
}

static void nothing_is_mapped_before_the_first(void) {
    fake_reset();
    CHECK(!emergency_owns(0x10000) && emergency_find(0x10000) == 0 && !emergency_give(0x10000));
    CHECK_EQ(fake_count(FAKE_MAP), 0);
    CHECK(emergency_take(AREA + 1, 1) == NULL && emergency_take(SIZE_MAX, 1) == NULL);
    CHECK(emergency_take(1, AREA * 2) == NULL);
    CHECK_EQ(fake_count(FAKE_MAP), 0);
}

static void blocks_are_whole_and_apart(void) {
    static const size_t sizes[] = {0, 1, 64, 65, 1000, 4096, 100000, 24};
    uintptr_t           blocks[ARRAY_COUNT(sizes) * 3];
    unsigned            count = 0;
    fake_reset();
    for (unsigned i = 0; i < ARRAY_COUNT(sizes); i++)
        for (size_t alignment = 1; alignment <= KIB(64); alignment *= 256) {
            blocks[count] = take(sizes[i], alignment);
            test_fill((void *)blocks[count], emergency_find(blocks[count]), count);
            count++;
        }
    CHECK_EQ(fake_count(FAKE_MAP), 2);
    CHECK_EQ(counters_process.value[COUNTER_emergency_blocks], count);
    for (unsigned i = 0; i < count; i++) {
        struct block block = block_find((void *)blocks[i]);
        CHECK(test_is_filled((void *)blocks[i], emergency_find(blocks[i]), i));
        CHECK(block.kind == BLOCK_EMERGENCY && block.base == blocks[i]);
        CHECK_EQ(block.usable, emergency_find(blocks[i]));
        CHECK(block_fits_request(&block, sizes[i / 3], 1));
        CHECK(!block_fits_request(&block, block.usable + 1, 1));
    }
}

static void a_block_is_given_once(void) {
    fake_reset();
    uintptr_t block = take(200, 1), other = take(200, 1);
    CHECK(!emergency_give(block + 64) && !emergency_give(block + 1));
    CHECK_EQ(block_find((void *)(block + 64)).kind, BLOCK_FREE);
    CHECK(emergency_give(block));
    CHECK(!emergency_give(block));
    CHECK_EQ(emergency_find(block), 0);
    CHECK_EQ(block_find((void *)block).kind, BLOCK_FREE);
    CHECK(emergency_owns(block) && emergency_find(other) >= 200);
    CHECK(take(200, 1) > other);  // never used again
}

static void it_is_used_up(void) {
    fake_reset();
    take(AREA / 2, 1);
    CHECK(emergency_take(AREA / 2 + 1, 1) == NULL);
    uintptr_t last = take(AREA / 2, 1);
    CHECK(emergency_take(0, 1) == NULL);
    CHECK(emergency_owns(last + AREA / 2 - 1) && !emergency_owns(last + AREA / 2));
}

// Where the kernel has less there is less; where it has nothing, later.
static void little_memory(void) {
    fake_reset();
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    CHECK(emergency_take(64, 1) == NULL);
    CHECK_EQ(fake_mapped_bytes(), 0);
    fake_fail(FAKE_MAP, 2, 1);  // the records are had, the blocks are not
    take(64, 1);
    CHECK(emergency_take(KIB(256), 1) == NULL);
    take(KIB(128), 1);
}

int main(void) {
    CASE(nothing_is_mapped_before_the_first);
    CASE(blocks_are_whole_and_apart);
    CASE(a_block_is_given_once);
    CASE(it_is_used_up);
    CASE(little_memory);
    return 0;
}
