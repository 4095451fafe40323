// unit/heap/test_fake_hardened_resize.c - realloc of a small block, on the path that most take.
#include "tests/unit/heap/hardened.h"

// A small block that may stay where it is: what it did not have reads as zero, and behind it there
// is a canary again.
static void resized_where_it_is(void) {
    size_t usable;
    hardened_begin(NULL);
    char *block = hardened_block(70);
    memset(block, 7, 70);
    CHECK(hardened_resize_live("realloc", block, 72, &usable));
    CHECK(test_is_byte(block, 70, 7) && test_is_byte(block + 70, 2, 0));
    CHECK_EQ(block_find(block).usable, 72);
    CHECK(hardened_resize_live("realloc", block, 50, &usable));
    CHECK_EQ(block_find(block).usable, 50);
    CHECK(!hardened_resize_live("realloc", block, 200, &usable));
    CHECK_EQ(usable, 50);
    CHECK(!hardened_resize_live("realloc", block, 10, &usable));
    CHECK_EQ(usable, 50);
    CHECK_EQ(block_find(block).usable, 50);
    block[50] = 1;
    hardened_dies(block, "tidemalloc: free(0x*): written behind the end of the 50-byte block "
                         "(80-byte class): byte 50\n");
}

static void resized_is_no_small_block(void) {
    size_t usable;
    hardened_begin(NULL);
    char *block = hardened_block(70), *large = hardened_block(SMALL_MAX + 1);
    CHECK(!hardened_resize_live("realloc", block + 16, 70, &usable));
    CHECK_EQ(usable, SIZE_MAX);
    CHECK(!hardened_resize_live("realloc", large, SMALL_MAX, &usable));
    CHECK_EQ(usable, SIZE_MAX);
    CHECK_EQ(hardened_end_live("free", large), CLASS_NONE);
    CHECK_EQ(hardened_end_live("free", block + 16), CLASS_NONE);
    CHECK(hardened_end_live("free", block) != CLASS_NONE);
    CHECK_EQ(hardened_end_live("free", block), CLASS_NONE);
    CHECK(!hardened_resize_live("realloc", block, 70, &usable));
    CHECK_EQ(usable, SIZE_MAX);
}

int main(void) {
    CASE(resized_where_it_is);
    CASE(resized_is_no_small_block);
    return 0;
}
