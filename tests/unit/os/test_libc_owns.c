// unit/os/test_libc_owns.c - libc's blocks are known in all three places, and nothing else is.
#include <pthread.h>
#include <sys/mman.h>

#include "os/os.h"
#include "tests/support/test.h"

// glibc's own functions, whatever malloc this program uses; a libc without them owns nothing here.
extern void *__libc_malloc(size_t bytes) __attribute__((weak));
extern void *__libc_valloc(size_t bytes) __attribute__((weak));
extern void  __libc_free(void *block) __attribute__((weak));

enum { BLOCKS = 2000 };

static size_t size_for(unsigned i, uint64_t *seed) {
    return test_random(seed) % (i % 50 == 0 ? MIB(1) : 3000);
}

static void check_block(void *block, size_t bytes) {
    CHECK(block && os_libc_owns(block));
    CHECK(os_libc_usable_size(block) >= bytes);
    CHECK(os_libc_usable_size(block) < bytes + 32 + 2 * os_page_bytes());
    // Where a block starts is what counts: nothing inside it is one.
    test_fill(block, os_libc_usable_size(block), bytes);
    for (size_t at = 16; at + 16 <= bytes && at < 256; at += 16)
        CHECK(!os_libc_owns((char *)block + at));
    CHECK(!os_libc_owns((char *)block + 8) && !os_libc_owns((char *)block + 1));
}

static void check_blocks(uint64_t seed) {
    static __thread void  *blocks[BLOCKS];
    static __thread size_t sizes[BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++) {
        sizes[i] = size_for(i, &seed);
        blocks[i] = i % 7 ? __libc_malloc(sizes[i]) : __libc_valloc(sizes[i]);
        check_block(blocks[i], sizes[i]);
    }
    for (unsigned i = 0; i < BLOCKS; i += 2) {  // holes: the chunk before is free for many
        os_libc_free(blocks[i]);
        blocks[i] = NULL;
    }
    for (unsigned i = 1; i < BLOCKS; i += 2) {
        CHECK(os_libc_owns(blocks[i]));
        CHECK(test_is_filled(blocks[i], sizes[i], sizes[i]));
        blocks[i] = os_libc_realloc(blocks[i], sizes[i] + 100);
        CHECK(blocks[i] && test_is_filled(blocks[i], sizes[i], sizes[i]));
        check_block(blocks[i], sizes[i] + 100);
        os_libc_free(blocks[i]);
    }
}

// A thread of its own gets an arena of its own.
static void *in_thread(void *argument) {
    check_blocks((uintptr_t)argument);
    return NULL;
}

static void test_own_blocks(void) {
    pthread_t threads[3];
    check_blocks(1);
    for (uintptr_t i = 0; i < 3; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, in_thread, (void *)(i + 2)), 0);
    for (unsigned i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    for (size_t bytes = KIB(100); bytes <= MIB(64); bytes *= 2) {  // most are mappings
        void *block = __libc_malloc(bytes);
        check_block(block, bytes);
        os_libc_free(block);
        block = __libc_valloc(bytes);
        check_block(block, bytes);
        os_libc_free(block);
    }
}

// --- everything else
// --------------------------------------------------------------------------------

static char  global_bytes[1000];
static char *somebodys_break;

static void check_range(char *start, size_t bytes, size_t step) {
    for (size_t at = 0; at < bytes; at += step)
        CHECK(!os_libc_owns(start + at));
}

static void test_odd_values(void) {
    CHECK(!os_libc_owns(NULL) && !os_libc_owns((void *)1) && !os_libc_owns((void *)16));
    CHECK(!os_libc_owns((void *)32) && !os_libc_owns((void *)UINTPTR_MAX));
    CHECK(!os_libc_owns((void *)(UINTPTR_MAX & ~(uintptr_t)15)));
    CHECK(!os_libc_owns((void *)((uintptr_t)1 << 63)) && !os_libc_owns((void *)0xdead0000));
    for (unsigned shift = 4; shift < 64; shift++)
        CHECK(!os_libc_owns((void *)((uintptr_t)1 << shift)));
}

static void test_own_memory(void) {
    char local[1000];
    memset(local, 0x21, sizeof local);  // words that look a little like sizes
    memset(global_bytes, 0x31, sizeof global_bytes);
    check_range(local, sizeof local, 1);
    check_range(global_bytes, sizeof global_bytes, 1);
    check_range((char *)(uintptr_t)check_range, 256, 1);
    uint64_t words[64];
    for (unsigned i = 0; i < 64; i++)
        words[i] = 0x21 + i % 8;  // chunk headers, one after the other, with all flags
    check_range((char *)words, sizeof words, 8);
}

static void fill_words(char *start, size_t bytes, uint64_t word) {
    for (size_t at = 0; at < bytes; at += sizeof word)
        memcpy(start + at, &word, sizeof word);
}

static void test_mappings(void) {
    size_t page = os_page_bytes(), bytes = 16 * page;
    char  *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check_range(area, bytes, 16);  // all zero
    test_fill(area, bytes, 77);
    check_range(area, bytes, 16);
    // Small sizes everywhere: "before is in use", "secondary arena", "a mapping".
    static const uint64_t headers[] = {0x31, 0x30, 0x35, 0x34, 0x32, 0x1002, 0x36};
    for (unsigned i = 0; i < ARRAY_COUNT(headers); i++) {
        fill_words(area, bytes, headers[i]);
        check_range(area, bytes, 16);
    }
    CHECK_EQ(mprotect(area, bytes, PROT_NONE), 0);
    check_range(area, bytes, 16);
    CHECK_EQ(mprotect(area + page, page, PROT_READ), 0);
    check_range(area, 3 * page, 16);  // across readable and unreadable pages
    munmap(area, bytes);
    check_range(area, bytes, 16);
}

// A program that keeps its own things in the data segment, beside libc's main arena.
static void test_break(void) {
    somebodys_break = os_break_move((intptr_t)GRANULE);
    CHECK(somebodys_break);
    check_range(somebodys_break, GRANULE, 16);
    test_fill(somebodys_break, GRANULE, 5);
    check_range(somebodys_break + 32, GRANULE - 32, 16);
    fill_words(somebodys_break, GRANULE, 0x30);  // sizes that agree, but whose chunks are all free
    check_range(somebodys_break, GRANULE, 16);
}

// Files give no answer either: their pages beyond the end cannot be read.
static void test_file(void) {
    FILE *file = tmpfile();
    CHECK(file);
    char *area = mmap(NULL, 4 * os_page_bytes(), PROT_READ, MAP_SHARED, fileno(file), 0);
    CHECK(area != MAP_FAILED);
    check_range(area, 4 * os_page_bytes(), 64);
    munmap(area, 4 * os_page_bytes());
    fclose(file);
}

int main(void) {
    test_watchdog(100);
    os_start();
    if (__libc_malloc && __libc_valloc && __libc_free)
        test_own_blocks();
    else
        printf("this libc has no malloc of its own to be reached: only refusals are tested\n");
    test_odd_values();
    test_own_memory();
    test_mappings();
    test_break();
    test_file();
    return 0;
}
