// unit/heap/test_fake_hardened_look.c - the look at blocks that nobody frees: each kind of block,
// before and behind, what it leaves alone, and without canaries.
#include "heap/hardened_look.h"

#include "heap/user_heap.h"
#include "tests/unit/heap/hardened.h"

static const size_t sizes[] = {0, 1, 100, 3000, 20000, 60000, 100000, KIB(300) - 1};
enum { SIZES = sizeof sizes / sizeof sizes[0], EACH = 40 };

static char    *blocks[SIZES][EACH];
static unsigned at;  // which size; who dies does so with a lock in hand, so each has its own case

static void look(void *unused) {
    (void)unused;
    hardened_look_at_live("exit");
}

static void take_all(void) {
    for (unsigned i = 0; i < SIZES; i++)
        for (unsigned j = 0; j < EACH; j++) {
            CHECK((blocks[i][j] = hardened_block(sizes[i])) != NULL);
            test_fill(blocks[i][j], sizes[i], i);
        }
}

static void look_dies(const char *line) {
    fake_clear_output();
    CHECK(fake_aborts(look, NULL));
    if (!death_matches(fake_output(), line)) {
        test_say(fake_output());
        test_fail(__FILE__, __LINE__, line);
    }
}

static void resize(char *block, size_t bytes) {
    struct block found = block_find(block);
    CHECK(hardened_resize("realloc", &found, bytes));
}

static void whole_blocks_pass(void) {
    hardened_begin(NULL);
    take_all();
    look(NULL);
    for (unsigned i = 2; i < SIZES; i++) {
        resize(blocks[i][1], sizes[i] - sizes[i] / 8);
        resize(blocks[i][2], sizes[i] - sizes[i] / 8);
        resize(blocks[i][2], sizes[i] - sizes[i] / 9);
    }
    look(NULL);
    for (unsigned i = 0; i < SIZES; i++)
        for (unsigned j = 0; j < EACH; j += 1 + i % 2)
            hardened_free(blocks[i][j]);
    look(NULL);
    take_all();
    look(NULL);
}

static void overflow_is_told(void) {
    static const char *const lines[SIZES] = {
        "tidemalloc: exit(0x*): written behind the end of the 0-byte block (16-byte class): byte 0",
        "tidemalloc: exit(0x*): written behind the end of the 1-byte block (16-byte class): byte 1",
        "tidemalloc: exit(0x*): written behind the end of the 100-byte block (112-byte class): "
        "byte 100",
        "tidemalloc: exit(0x*): written behind the end of the 3000-byte block (3072-byte class): "
        "byte 3000",
        "tidemalloc: exit(0x*): written behind the end of the 20000-byte block (20480-byte class): "
        "byte 20000",
        "tidemalloc: exit(0x*): written behind the end of the 60000-byte block (61440-byte class): "
        "byte 60000",
        "tidemalloc: exit(0x*): written behind the end of the 100000-byte block (huge): byte "
        "100000",
        "tidemalloc: exit(0x*): written behind the end of the 307199-byte block (huge): byte "
        "307199"};
    hardened_begin(NULL);
    take_all();
    blocks[at][EACH / 2][sizes[at]] ^= 1;
    look_dies(lines[at]);
}

// Where the canary is long its last byte counts, too.
static void end_of_the_room_is_told(void) {
    hardened_begin(NULL);
    char *block = hardened_block(KIB(64) + 1);
    block[KIB(68) - 1] ^= 1;
    look_dies("tidemalloc: exit(0x*): written behind the end of the 65537-byte block (huge): byte "
              "69631");
}

static void large_is_told(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_GUARD_PAGES=off");
    char *block = hardened_block(100000);
    block[100001] ^= 1;
    look_dies("tidemalloc: exit(0x*): written behind the end of the 100000-byte block (large): "
              "byte 100001");
}

// The slot before has to be free: of a live one the canary is told first.
static void underflow_is_told(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_RANDOM_SLOTS=off");
    take_all();
    bool  is_low = (uintptr_t)blocks[2][0] < (uintptr_t)blocks[2][1];
    char *low = blocks[2][is_low ? 0 : 1];
    char *high = low + 112;
    hardened_free(low);
    high[-1] ^= 1;
    look_dies("tidemalloc: exit(0x*): written before the start of the 100-byte block (112-byte "
              "class)");
}

static void blocks_of_heaps_are_told(void) {
    bool is_zero;
    hardened_begin(NULL);
    struct user_heap *heap = user_heap_new();
    CHECK(heap != NULL);
    char *block = hardened_take(heap, sizes[at], 1, &is_zero);
    look(NULL);
    block[sizes[at]] ^= 1;
    look_dies(at == 2 ? "tidemalloc: exit(0x*): written behind the end of the 100-byte block "
                        "(112-byte class): byte 100"
                      : "tidemalloc: exit(0x*): written behind the end of the 100000-byte block "
                        "(huge): byte 100000");
}

// What the kernel does not show is let be.
static void copy_refused(void) {
    hardened_begin(NULL);
    char *block = hardened_block(100000);
    block[100000] ^= 1;
    fake_fail(FAKE_COPY, 1, 1);
    look(NULL);
}

static void without_canary(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_CANARY=off");
    take_all();
    look(NULL);
    CHECK_EQ(fake_count(FAKE_COPY), 0);
}

int main(void) {
    CASE(whole_blocks_pass);
    for (at = 0; at < SIZES; at++)
        CASE(overflow_is_told);
    CASE(end_of_the_room_is_told);
    CASE(large_is_told);
    CASE(underflow_is_told);
    for (at = 2; at < SIZES; at += 4)
        CASE(blocks_of_heaps_are_told);
    CASE(copy_refused);
    CASE(without_canary);
    return 0;
}
