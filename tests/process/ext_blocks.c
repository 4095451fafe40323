// tests/process/ext_blocks.c - tide_usable_size, good_size, free_sized, realloc_inplace, rezalloc,
// owns, trim, version.
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"
#include "tidemalloc.h"

extern void *__libc_malloc(size_t bytes) __attribute__((weak));
extern void  __libc_free(void *block) __attribute__((weak));

enum { MIB = 1 << 20, MARK = 4711 };

static const size_t sizes[] = {1,     16,    17,         100,    1000,    4096,   20 * 1000,
                               32768, 32769, 100 * 1000, 900000, 1 << 20, 5 << 20};
enum { SIZE_COUNT = sizeof sizes / sizeof *sizes };

static void test_version(void) {
    CHECK_EQ(tide_version(),
             TIDE_VERSION_MAJOR * 10000 + TIDE_VERSION_MINOR * 100 + TIDE_VERSION_PATCH);
}

static void test_sizes(void) {
    CHECK_EQ(tide_usable_size(NULL), 0);
    CHECK_EQ(tide_good_size((size_t)PTRDIFF_MAX + 1), 0);
    CHECK_EQ(tide_good_size(SIZE_MAX), 0);
    CHECK(tide_good_size(0) > 0);
    for (size_t size = 1; size < 12 * MIB; size += size / 7 + 1) {
        void *block = malloc(size);
        CHECK(block != NULL);
        CHECK(tide_good_size(size) >= size);
        CHECK_EQ(tide_usable_size(block), tide_good_size(size));
        CHECK_EQ(tide_usable_size(block), malloc_usable_size(block));
        CHECK_EQ(tide_good_size(tide_good_size(size)), tide_good_size(size));
        errno = MARK;
        tide_free_sized(block, size);
        CHECK_EQ(errno, MARK);
    }
    tide_free_sized(NULL, 100);
}

static bool is_hardened;

// True: at least that many bytes, at the same place, content kept. False: nothing changed.
static void test_inplace(void) {
    for (size_t from = 0; from < SIZE_COUNT; from++) {
        for (size_t to = 0; to < SIZE_COUNT; to++) {
            char  *block = malloc(sizes[from]);
            size_t before = tide_usable_size(block);
            size_t kept = sizes[from] < sizes[to] ? sizes[from] : sizes[to];
            test_fill(block, sizes[from], from);
            errno = MARK;
            bool done = tide_realloc_inplace(block, sizes[to]);
            CHECK_EQ(errno, MARK);
            CHECK(test_is_filled(block, kept, from));
            if (done)
                CHECK_LE(sizes[to], tide_usable_size(block));
            else
                CHECK_EQ(tide_usable_size(block), before);
            // Hardened, a block has room behind it that is not its own, and counts.
            if (sizes[to] <= before && sizes[to] >= before / 2 && !is_hardened)
                CHECK(done);
            memset(block, 1, tide_usable_size(block));
            tide_free_sized(block, done ? sizes[to] : sizes[from]);
        }
    }
    void *block = malloc(100);
    CHECK(!tide_realloc_inplace(block, (size_t)PTRDIFF_MAX + 1));
    free(block);
}

// The bytes behind the old usable size are zero, whatever lay there.
static void test_rezalloc(void) {
    for (size_t from = 0; from < SIZE_COUNT; from++) {
        for (size_t to = 0; to < SIZE_COUNT; to++) {
            char *dirty = malloc(sizes[to]);
            memset(dirty, 0xdd, malloc_usable_size(dirty));
            free(dirty);
            char  *block = malloc(sizes[from]);
            size_t old_usable = tide_usable_size(block);
            test_fill(block, old_usable, from);
            block = tide_rezalloc(block, sizes[to]);
            CHECK(block != NULL);
            size_t usable = tide_usable_size(block);
            CHECK(usable >= sizes[to]);
            size_t kept = old_usable < sizes[to] ? old_usable : sizes[to];
            CHECK(test_is_filled(block, kept, from));
            if (usable > old_usable)
                CHECK(test_is_byte(block + old_usable, usable - old_usable, 0));
            tide_free_sized(block, sizes[to]);
        }
    }
}

static void test_rezalloc_edges(void) {
    char *block = tide_rezalloc(NULL, 1000);
    CHECK(block != NULL && test_is_byte(block, 1000, 0));
    errno = 0;
    CHECK(tide_rezalloc(block, test_hide_size(SIZE_MAX)) == NULL);
    CHECK_EQ(errno, ENOMEM);
    CHECK(test_is_byte(block, 1000, 0));
    CHECK(tide_rezalloc(block, 0) == NULL);
}

// Never fatal: any address may be asked.
static void test_owns(void) {
    static int global;
    int        local = 0;
    CHECK(!tide_owns(NULL));
    CHECK(!tide_owns(&global) && !tide_owns(&local));
    CHECK(!tide_owns((void *)&test_owns));
    CHECK(!tide_owns((void *)(uintptr_t)0xdeadbeef0));
    CHECK(!tide_owns((void *)(uintptr_t)1));
    CHECK(!tide_owns((void *)UINTPTR_MAX));
    CHECK(!tide_owns((void *)((uintptr_t)1 << 63)));
    void *strange = mmap(NULL, MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(strange != MAP_FAILED && !tide_owns(strange));
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        char *block = malloc(sizes[i]);
        CHECK(tide_owns(block) && tide_owns(block + sizes[i] - 1));
        free(block);
    }
}

// The answer is in bytes: most of a burst goes, and the kernel agrees.
static void test_trim(void) {
    enum { COUNT = 30 * 1000 };
    static void *blocks[COUNT];
    CHECK_EQ(tide_option_set("purge_budget", "64M"), 0);
    tide_trim(0);
    for (size_t i = 0; i < COUNT; i++) {
        CHECK((blocks[i] = malloc(1000)) != NULL);
        memset(blocks[i], 1, 1000);
    }
    size_t peak = proc_rss();
    for (size_t i = 0; i < COUNT; i++)
        free(blocks[i]);
    size_t before = proc_rss(), answer = tide_trim(0), after = proc_rss();
    CHECK_LE(before, peak + MIB);
    CHECK_LE(20 * MIB, answer);
    CHECK_LE(before - after, answer + 2 * MIB);
    CHECK_LE(answer, before - after + 2 * MIB);
    CHECK_EQ(tide_trim(0), 0);
}

// Blocks of libc's own malloc keep the same promises.
static void test_blocks_of_libc(void) {
    if (!__libc_malloc || !__libc_free)
        return;
    char *dirty = __libc_malloc(3000);
    CHECK(dirty != NULL);
    memset(dirty, 0xdd, tide_usable_size(dirty));
    __libc_free(dirty);
    char *block = __libc_malloc(100);
    CHECK(block != NULL);
    size_t before = tide_usable_size(block);
    errno = MARK;
    CHECK(tide_realloc_inplace(block, 100) && !tide_realloc_inplace(block, 0));
    CHECK_EQ(errno, MARK);
    CHECK((block = tide_rezalloc(block, 2000)) != NULL);
    for (size_t i = before; i < tide_usable_size(block); i++)
        CHECK_EQ(block[i], 0);
    free(block);
}

int main(void) {
    test_watchdog(30);
    test_need_tide();
    is_hardened = proc_env("TIDE_HARDENED")[0] != '\0';
    test_version();
    test_sizes();
    test_inplace();
    test_rezalloc();
    test_rezalloc_edges();
    test_blocks_of_libc();
    test_owns();
    test_trim();
    return 0;
}
