// tests/process/contract_info.c - mallinfo, mallinfo2, malloc_info, malloc_stats, mallopt: real.
#include <ctype.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

// mallinfo is deprecated for its 32 bits; programs call it all the same.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

enum { MIB = 1 << 20, COUNT = 20 * 1000, BYTES = 1000, HUGE_BYTES = 64 * MIB };

static void *blocks[COUNT];

static void make_blocks(void) {
    for (size_t i = 0; i < COUNT; i++)
        CHECK((blocks[i] = malloc(BYTES)) != NULL);
}

static void free_blocks(void) {
    for (size_t i = 0; i < COUNT; i++)
        free(blocks[i]);
}

// uordblks follows what the program holds in small blocks, within what thread caches blur.
static void test_small_in_use(void) {
    struct mallinfo2 before = mallinfo2();
    make_blocks();
    struct mallinfo2 with = mallinfo2();
    free_blocks();
    malloc_trim(0);
    struct mallinfo2 after = mallinfo2();
    size_t           held = (size_t)COUNT * BYTES;
    CHECK_LE(before.uordblks + held - MIB, with.uordblks);
    CHECK_LE(with.uordblks, before.uordblks + held + held / 8 + 2 * MIB);
    CHECK_LE(after.uordblks, before.uordblks + MIB);
    CHECK_LE(with.uordblks, with.arena + with.hblkhd);
    CHECK(with.arena > 0);
}

// Huge blocks are counted on their own; the 32-bit form agrees while it can.
static void test_huge_in_use(void) {
    struct mallinfo2 before = mallinfo2();
    void            *block = malloc(HUGE_BYTES);
    CHECK(block != NULL);
    struct mallinfo2 with = mallinfo2();
    struct mallinfo  narrow = mallinfo();
    CHECK_LE(before.hblkhd + HUGE_BYTES, with.hblkhd);
    CHECK_LE(with.hblkhd, before.hblkhd + HUGE_BYTES + 4 * MIB);
    CHECK_LE(before.hblks + 1, with.hblks);
    CHECK_EQ(narrow.hblks, with.hblks);
    CHECK_EQ(narrow.hblkhd, with.hblkhd);
    CHECK_LE(narrow.uordblks, with.uordblks + MIB);
    CHECK_LE(with.uordblks, (size_t)narrow.uordblks + MIB);
    free(block);
    malloc_trim(0);
    CHECK_LE(mallinfo2().hblkhd, before.hblkhd);
}

// Free memory shows while it is held and goes with a trim.
static void test_free_shows(void) {
    make_blocks();
    void *keep = malloc(BYTES);
    free_blocks();
    struct mallinfo2 loose = mallinfo2();
    CHECK_LE(MIB, loose.fordblks);
    free(keep);
}

// The text of malloc_info(0, memory stream), a static buffer.
static const char *info_text(void) {
    static char text[256 * 1024];
    char       *made = NULL;
    size_t      made_bytes = 0;
    FILE       *stream = open_memstream(&made, &made_bytes);
    CHECK(stream != NULL);
    CHECK_EQ(malloc_info(0, stream), 0);
    fclose(stream);
    CHECK(made_bytes < sizeof text);
    memcpy(text, made, made_bytes + 1);
    free(made);
    return text;
}

static unsigned count_char(const char *text, char wanted) {
    unsigned count = 0;
    for (; *text != '\0'; text++)
        count += *text == wanted;
    return count;
}

// XML as glibc's readers expect it: one root element, figures in it, and the figures move.
static void test_malloc_info(void) {
    const char *text = info_text();
    CHECK(strncmp(text, "<malloc version=\"", strlen("<malloc version=\"")) == 0);
    const char *end = strstr(text, "</malloc>");
    CHECK(end != NULL && strspn(end + strlen("</malloc>"), "\n") == strlen(end) - 9);
    CHECK(strpbrk(text, "123456789") != NULL);
    CHECK_EQ(count_char(text, '<'), count_char(text, '>'));
    CHECK_EQ(count_char(text, '"') % 2, 0);
    static char first[256 * 1024];
    strcpy(first, text);
    make_blocks();
    CHECK(strcmp(first, info_text()) != 0);
    free_blocks();
    CHECK(malloc_info(1, stderr) != 0);
}

// malloc_stats writes figures to stderr and nothing elsewhere.
static void test_malloc_stats(void) {
    int fd = proc_memory_file();
    int saved = dup(STDERR_FILENO);
    fflush(stderr);
    dup2(fd, STDERR_FILENO);
    malloc_stats();
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    static char text[PROC_TEXT_MAX];
    proc_read_back(fd, text, sizeof text);
    unsigned lines = count_char(text, '\n'), digits = 0;
    for (const char *c = text; *c != '\0'; c++)
        digits += isdigit((unsigned char)*c) != 0;
    CHECK(lines >= 3 && digits >= 10);
    close(fd);
    close(saved);
}

// Parameters of <malloc.h> are accepted, a number that is none of them is refused.
static void test_mallopt(void) {
    CHECK_EQ(mallopt(M_MMAP_THRESHOLD, 2 * MIB), 1);
    CHECK_EQ(mallopt(M_TRIM_THRESHOLD, 4 * MIB), 1);
    CHECK_EQ(mallopt(M_TOP_PAD, MIB), 1);
    CHECK_EQ(mallopt(-4711, 1), 0);
}

// M_MMAP_THRESHOLD takes effect at once: the same size is a block of an arena, then a mapping.
static void test_mallopt_works(void) {
    enum { SIZE = 700 * 1000 };
    CHECK_EQ(mallopt(M_MMAP_THRESHOLD, 2 * MIB), 1);
    size_t before = mallinfo2().hblks;
    void  *arena_block = malloc(SIZE);
    CHECK_EQ(mallinfo2().hblks, before);
    CHECK_EQ(mallopt(M_MMAP_THRESHOLD, 128 * 1024), 1);
    void *mapped_block = malloc(SIZE);
    CHECK_EQ(mallinfo2().hblks, before + 1);
    free(arena_block);
    free(mapped_block);
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    test_small_in_use();
    test_huge_in_use();
    test_free_shows();
    test_malloc_info();
    test_malloc_stats();
    test_mallopt();
    test_mallopt_works();
    return 0;
}
