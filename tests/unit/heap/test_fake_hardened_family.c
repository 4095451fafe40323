// unit/heap/test_fake_hardened_family.c - what malloc, new and new[] made, given back by another
// family of functions.
#include "heap/hardened_family.h"

#include "tests/unit/heap/hardened.h"

static void give_by(const char *function, void *pointer) {
    struct block block = block_find(pointer);
    hardened_give_all(function, &block);
}

static void give_array(void *pointer) {
    give_by("operator delete[]", pointer);
}

static void grow(void *pointer) {
    struct block block = block_find(pointer);
    hardened_resize("realloc", &block, block.usable + 1);
}

static void family_dies(void (*call)(void *), void *pointer, const char *line) {
    fake_clear_output();
    CHECK(fake_aborts(call, pointer));
    CHECK(death_matches(fake_output(), line));
}

// What is noted beside the size that was asked for changes nothing about that.
static void *of_family(size_t bytes, enum family family) {
    void *pointer = hardened_block(bytes);
    hardened_note_family(pointer, family);
    struct block block = block_find(pointer);
    CHECK_EQ(block.usable, bytes);
    CHECK_EQ(hardened_family(&block), family);
    return pointer;
}

static void families_are_told(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_FAMILIES=on");
    void *blocks_of_new[] = {of_family(60, FAMILY_NEW), of_family(70 * 1000, FAMILY_NEW)};
    hardened_dies(blocks_of_new[0], "tidemalloc: free(0x*): allocated by operator new: "
                                    "a 60-byte block (80-byte class)");
    hardened_dies(blocks_of_new[1], "tidemalloc: free(0x*): allocated by operator new: "
                                    "a 70000-byte block (huge)");
    family_dies(grow, of_family(60, FAMILY_NEW_ARRAY),
                "tidemalloc: realloc(0x*): allocated by operator new[]: "
                "a 60-byte block (80-byte class)");
    family_dies(give_array, hardened_block(60),
                "tidemalloc: operator delete[](0x*): allocated by malloc: "
                "a 60-byte block (80-byte class)");
    for (size_t bytes = 0; bytes < 200 * 1000; bytes += 1 + bytes / 4) {
        give_by("operator delete", of_family(bytes, FAMILY_NEW));
        give_by("operator delete[]", of_family(bytes, FAMILY_NEW_ARRAY));
        give_by("tide_free_sized", hardened_block(bytes));
    }
}

static void without_families(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_FAMILIES=off");
    hardened_free(of_family(60, FAMILY_NEW));
    give_array(hardened_block(70 * 1000));
}

// By itself, as long as all operators are ours; once they are not, that is not asked again.
static void where_they_can_be_known(void) {
    hardened_begin(NULL);
    void *block = of_family(60, FAMILY_NEW);
    hardened_dies(block, "tidemalloc: free(0x*): allocated by operator new: "
                         "a 60-byte block (80-byte class)");
    unsigned asked = fake_operators_asked();
    fake_set_operators(false);
    hardened_free(of_family(60, FAMILY_NEW));
    CHECK_EQ(fake_operators_asked(), asked + 1);
    hardened_free(of_family(60, FAMILY_NEW));
    fake_set_operators(true);
    give_array(hardened_block(70 * 1000));
    CHECK_EQ(fake_operators_asked(), asked + 1);
}

int main(void) {
    CASE(families_are_told);
    CASE(without_families);
    CASE(where_they_can_be_known);
    return 0;
}
