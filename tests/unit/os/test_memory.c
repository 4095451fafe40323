// unit/os/test_memory.c - mappings on the real system: alignment, content, names, the break.
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "os/os.h"
#include "tests/support/death.h"
#include "tests/support/test.h"

static void test_map(void) {
    for (size_t alignment = 1; alignment <= MIB(64); alignment *= 2) {
        char *kept[3];
        for (unsigned i = 0; i < ARRAY_COUNT(kept); i++) {
            kept[i] = os_map(GRANULE * (i + 1), alignment, OS_READ_WRITE, "tide test");
            CHECK(kept[i] && is_aligned((uintptr_t)kept[i], max_size(alignment, os_page_bytes())));
            CHECK(test_is_byte(kept[i], GRANULE * (i + 1), 0));
            test_fill(kept[i], GRANULE * (i + 1), i);
        }
        for (unsigned i = 0; i < ARRAY_COUNT(kept); i++) {
            CHECK(test_is_filled(kept[i], GRANULE * (i + 1), i));
            CHECK_EQ(os_unmap(kept[i], GRANULE * (i + 1)), 0);
            CHECK(!os_is_mapped(kept[i], GRANULE * (i + 1)));
        }
    }
    CHECK(os_map(SIZE_MAX - GRANULE + 1, MIB(2), OS_RESERVED, "tide test") == NULL);
    CHECK(os_map((size_t)1 << 62, GRANULE, OS_RESERVED, "tide test") == NULL);
}

// The slack of the alignment is gone again: mapped bytes of the process grow by what was asked.
static uint64_t mapped_bytes(void) {
    char      text[64];
    uint64_t  pages;
    ptrdiff_t count = os_read_file("/proc/self/statm", text, sizeof text - 1);
    CHECK(count > 0);
    text[count] = 0;
    CHECK(sscanf(text, "%lu", &pages) == 1);
    return pages * os_page_bytes();
}

static void test_no_slack(void) {
    uint64_t before = mapped_bytes();
    void    *first = os_map(GRANULE, MIB(64), OS_RESERVED, "tide test");
    void    *second = os_map(GRANULE, MIB(64), OS_RESERVED, "tide test");
    CHECK_EQ(mapped_bytes() - before, 2 * GRANULE);
    os_unmap(first, GRANULE);
    os_unmap(second, GRANULE);
}

static void write_to(void *argument) {
    *(volatile char *)argument = 1;
}

static bool faults(void *address) {
    struct death death;
    death_run(write_to, address, &death);
    return death.signal != 0 || death.status != 0;  // a race detector turns the signal to a status
}

static void test_commit(void) {
    size_t half = MIB(2);
    char  *area = os_map(2 * half, GRANULE, OS_RESERVED, "tide test");
    CHECK(area && os_is_mapped(area, 2 * half) && faults(area));
    CHECK_EQ(os_commit(area, half), 0);
    CHECK(faults(area + half));
    test_fill(area, half, 1);
    CHECK_EQ(os_commit(area, 2 * half), 0);
    CHECK(test_is_filled(area, half, 1) && test_is_byte(area + half, half, 0));
    CHECK_EQ(os_unmap(area, 2 * half), 0);
    CHECK(os_commit(area, half) != 0);
}

static size_t resident_pages(char *area, size_t bytes) {
    size_t count = 0;
    for (size_t at = 0; at < bytes; at += os_page_bytes()) {
        unsigned char resident;
        CHECK_EQ(mincore(area + at, os_page_bytes(), &resident), 0);
        count += resident & 1;
    }
    return count;
}

static void test_purge(void) {
    size_t bytes = MIB(1), page = os_page_bytes();
    char  *area = os_map(bytes, GRANULE, OS_READ_WRITE, "tide test");
    test_fill(area, bytes, 5);
    CHECK_EQ(resident_pages(area, bytes), bytes / page);
    uint64_t before = os_resident_bytes();
    CHECK_EQ(os_purge(area + page, bytes - 2 * page), 0);
    CHECK_EQ(resident_pages(area, bytes), 2);
    CHECK_EQ(os_resident_in(area, bytes), 2 * page);
    CHECK_EQ(os_resident_in(area, page), page);
    CHECK_EQ(os_resident_in(area + page, bytes - page), page);
    CHECK(os_resident_bytes() < before);
    CHECK(test_is_filled(area, page, 5));
    CHECK(test_is_byte(area + page, bytes - 2 * page, 0));
    area[page] = 1;  // usable as before
    os_avoid_huge_pages(area, bytes);
    CHECK_EQ(os_unmap(area, bytes), 0);
    CHECK(os_purge(area, bytes) != 0);
}

enum { RANGES = 5, RANGE_PAGES = 2 };

// Every second piece of so many pages is a range.
static void make_ranges(char *area, struct os_range *ranges) {
    size_t bytes = RANGE_PAGES * os_page_bytes();
    test_fill(area, 2 * RANGES * bytes, 7);
    for (unsigned i = 0; i < RANGES; i++)
        ranges[i] = (struct os_range){area + 2 * i * bytes, bytes};
}

// So many of the first ones are empty; between them and behind them all is as it was.
static void check_ranges(const char *area, const struct os_range *ranges, unsigned gone) {
    size_t bytes = ranges[0].bytes;
    CHECK_EQ(os_resident_in(area, 2 * RANGES * bytes), (2 * RANGES - gone) * bytes);
    for (unsigned i = 0; i < gone; i++)
        CHECK(test_is_byte(ranges[i].address, bytes, 0));
}

static void test_purge_all(void) {
    size_t          page = os_page_bytes(), bytes = 2 * RANGES * RANGE_PAGES * page;
    char           *area = os_map(bytes, page, OS_READ_WRITE, "tide test");
    struct os_range ranges[RANGES];
    CHECK_EQ(os_purge(area, page), 0);
    make_ranges(area, ranges);
    CHECK_EQ(os_purge_all(ranges, RANGES), RANGES);
    check_ranges(area, ranges, RANGES);
    CHECK_EQ(os_purge_all(ranges, 0), 0);
    for (unsigned locked = 0; locked < RANGES; locked++) {
        make_ranges(area, ranges);
        CHECK_EQ(syscall(SYS_mlock, ranges[locked].address, page), 0);
        CHECK_EQ(os_purge_all(ranges, RANGES), locked);
        CHECK_EQ(syscall(SYS_munlock, ranges[locked].address, page), 0);
        check_ranges(area, ranges, locked);
    }
    os_unmap(area, bytes);
}

// Locked pages are not given back: the answer says so, and the content stays.
static void test_purge_locked(void) {
    size_t page = os_page_bytes();
    char  *area = os_map(page, page, OS_READ_WRITE, "tide test");
    test_fill(area, page, 6);
    CHECK_EQ(syscall(SYS_mlock, area, page), 0);  // sanitizers make mlock do nothing
    CHECK(os_purge(area, page) != 0);
    CHECK(test_is_filled(area, page, 6));
    CHECK_EQ(syscall(SYS_munlock, area, page), 0);
    CHECK_EQ(os_purge(area, page), 0);
    CHECK(test_is_byte(area, page, 0));
    os_unmap(area, page);
}

static void test_resize(void) {
    size_t bytes = MIB(1);
    char  *area = os_map(4 * bytes, GRANULE, OS_READ_WRITE, "tide test");
    test_fill(area, 4 * bytes, 8);
    CHECK_EQ(os_resize(area, 4 * bytes, bytes), 0);
    CHECK(!os_is_mapped(area + bytes, 3 * bytes) && os_is_mapped(area, bytes));
    CHECK_EQ(os_resize(area, bytes, bytes), 0);
    if (os_resize(area, bytes, 2 * bytes) == 0) {  // whether there is room is the kernel's affair
        CHECK(test_is_byte(area + bytes, bytes, 0));
        CHECK_EQ(os_resize(area, 2 * bytes, bytes), 0);
    }
    CHECK(test_is_filled(area, bytes, 8));
    CHECK(os_resize(area, bytes, (size_t)1 << 62) == ENOMEM);
    CHECK(test_is_filled(area, bytes, 8));
    os_unmap(area, bytes);
}

static void check_move(size_t old_bytes, size_t new_bytes, size_t alignment) {
    char *area = os_map(old_bytes, GRANULE, OS_READ_WRITE, "tide test");
    test_fill(area, old_bytes, 9);
    char *moved = os_move(area, old_bytes, new_bytes, alignment, "tide moved", NULL);
    CHECK(moved && moved != area && is_aligned((uintptr_t)moved, alignment));
    CHECK(test_is_filled(moved, min_size(old_bytes, new_bytes), 9));
    if (new_bytes > old_bytes)
        CHECK(test_is_byte(moved + old_bytes, new_bytes - old_bytes, 0));
    CHECK(!os_is_mapped(area, old_bytes) || (moved < area + old_bytes && area < moved + new_bytes));
    CHECK_EQ(os_unmap(moved, new_bytes), 0);
}

static void test_move(void) {
    check_move(MIB(1), MIB(3), GRANULE);
    check_move(MIB(3), MIB(1), GRANULE);
    check_move(MIB(1), MIB(1), MIB(32));
    char *area = os_map(MIB(1), GRANULE, OS_READ_WRITE, "tide test");
    test_fill(area, MIB(1), 3);
    CHECK(os_move(area, MIB(1), (size_t)1 << 62, GRANULE, "tide moved", NULL) == NULL);
    CHECK(test_is_filled(area, MIB(1), 3));
    os_unmap(area, MIB(1));
}

// A kernel before 5.7, or an emulator, answers that it stayed; then it has to have.
static void test_carry(void) {
    char *from = os_map(MIB(1), GRANULE, OS_READ_WRITE, "tide test");
    char *to = os_map(MIB(2), GRANULE, OS_RESERVED, "tide test");
    test_fill(from, MIB(1), 3);
    CHECK_EQ(os_hide(from + GRANULE, GRANULE), 0);
    CHECK(faults(from + GRANULE));
    CHECK_EQ(os_commit(from + GRANULE, GRANULE), 0);
    CHECK(test_is_filled(from, MIB(1), 3));
    enum os_carrying carrying = os_carry(from, to + GRANULE, MIB(1));
    CHECK(carrying != OS_TARGET_LOST && faults(to));
    if (carrying == OS_CARRIED) {
        CHECK(test_is_filled(to + GRANULE, MIB(1), 3) && test_is_byte(from, MIB(1), 0));
        CHECK(faults(to + GRANULE + MIB(1)));
        CHECK_EQ(os_conceal(from, MIB(1)), 0);
        CHECK(faults(from));
    } else {
        CHECK(test_is_filled(from, MIB(1), 3) && faults(to + GRANULE));
    }
    os_unmap(from, MIB(1));
    os_unmap(to, MIB(2));
}

static void test_is_mapped(void) {
    size_t page = os_page_bytes();
    char  *area = os_map(1000 * page, page, OS_RESERVED, "tide test");
    CHECK(os_is_mapped(area, 1000 * page) && os_is_mapped(area + 17, 1) && os_is_mapped(area, 0));
    CHECK_EQ(os_unmap(area + 600 * page, page), 0);
    CHECK(!os_is_mapped(area, 1000 * page) && os_is_mapped(area, 600 * page));
    CHECK(!os_is_mapped(area + 600 * page - 1, 2) && !os_is_mapped(area + 600 * page, 1));
    CHECK(os_is_mapped(area + 601 * page, 399 * page));
    CHECK(!os_is_mapped(NULL, 1) && !os_is_mapped((void *)UINTPTR_MAX, 1));
    CHECK(!os_is_mapped((void *)(UINTPTR_MAX - 5), 100) && !os_is_mapped(area, SIZE_MAX));
    CHECK(!os_is_mapped((void *)((uintptr_t)1 << 63), 8));
    CHECK(os_is_mapped(&area, sizeof area) && os_is_mapped((void *)(uintptr_t)write_to, 1));
    os_unmap(area, 600 * page);
    os_unmap(area + 601 * page, 399 * page);
}

static bool maps_has(const char *wanted) {
    char  line[512];
    bool  found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps);
    while (!found && fgets(line, sizeof line, maps))
        found = strstr(line, wanted) != NULL;
    fclose(maps);
    return found;
}

// Kernels can be built without names: what this one can is asked with the bare call.
static void test_names(void) {
    char *area = os_map(GRANULE, GRANULE, OS_READ_WRITE, "tide name-1.2");
    char *bare = mmap(NULL, GRANULE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    os_name(bare, GRANULE, "tide bare");
    bool can = maps_has("[anon:tide bare]");
    CHECK_EQ(maps_has("[anon:tide name-1.2]"), can);
    char *moved = os_move(area, GRANULE, GRANULE, GRANULE, "tide moved", NULL);
    CHECK_EQ(maps_has("[anon:tide moved]"), can);
    printf("mappings have names here: %s\n", can ? "yes" : "no");
    os_unmap(moved, GRANULE);
    munmap(bare, GRANULE);
}

static void test_break(void) {
    char *before = os_break();
    CHECK(before && os_break_move(0) == before);
    char *old = os_break_move((intptr_t)GRANULE);
    CHECK(old == before && os_break() == before + GRANULE);
    test_fill(old, GRANULE, 2);
    CHECK(os_break_move(-(intptr_t)GRANULE) == before + GRANULE && os_break() == before);
    CHECK(os_break_move(INTPTR_MAX) == NULL && os_break() == before);
    // Somebody moves it without libc: from then on libc's idea would cut off his part.
    uintptr_t moved = (uintptr_t)syscall(SYS_brk, before + GRANULE);
    CHECK(moved == (uintptr_t)before + GRANULE);
    CHECK(os_break_move((intptr_t)GRANULE) == NULL && os_break_move(-4096) == NULL);
    CHECK((uintptr_t)syscall(SYS_brk, 0) == moved);
    syscall(SYS_brk, before);
    CHECK(os_break_move(0) == before);
}

// Under a limit of address space the answer is NULL, and the limit is where it was.
static void exhaust(void *argument) {
    struct rlimit limit = {mapped_bytes() + MIB(64), RLIM_INFINITY};
    (void)argument;
    CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
    CHECK(os_map(MIB(128), GRANULE, OS_RESERVED, "tide test") == NULL);
    char *area = os_map(MIB(16), GRANULE, OS_READ_WRITE, "tide test");
    CHECK(area);
    test_fill(area, MIB(1), 4);
    for (unsigned i = 0; i < 100; i++) {
        CHECK(os_resize(area, MIB(16), MIB(256)) == ENOMEM);
        CHECK(os_move(area, MIB(16), MIB(256), GRANULE, "tide test", NULL) == NULL);
    }
    CHECK(test_is_filled(area, MIB(1), 4));
    CHECK(os_map(MIB(16), GRANULE, OS_READ_WRITE, "tide test"));
}

static void test_limit(void) {
    struct death death;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    printf("the address space limit is not tried under a sanitizer, which has its own shadow\n");
    return;
#endif
    death_run(exhaust, NULL, &death);
    printf("%s", death.text);
    CHECK(death.signal == 0 && death.status == 0);
}

int main(void) {
    test_watchdog(100);
    os_start();
    CHECK_EQ(os_page_bytes(), sysconf(_SC_PAGESIZE));
    test_map();
    test_no_slack();
    test_commit();
    test_purge();
    test_purge_locked();
    test_purge_all();
    test_resize();
    test_move();
    test_carry();
    test_is_mapped();
    test_names();
    test_break();
    test_limit();
    return 0;
}
