// unit/os/test_refused.c - a filter refuses one system call after the other: fallbacks, no end.
#include <errno.h>
#include <sys/syscall.h>

#include "os/os.h"
#include "tests/support/death.h"
#include "tests/support/refuse.h"
#include "tests/support/test.h"

extern void *__libc_malloc(size_t bytes) __attribute__((weak));

struct refusal {
    const char *name;
    unsigned    number;
    void (*body)(void);  // runs with that call refused
};

static int refused_with;  // the error of the filter

// Maps, fills, checks, unmaps: what must work without any of the optional calls.
static void check_plain_use(void) {
    char *area = os_map(MIB(1), MIB(4), OS_READ_WRITE, "tide test");
    CHECK(area && is_aligned((uintptr_t)area, MIB(4)));
    test_fill(area, MIB(1), 1);
    os_avoid_huge_pages(area, MIB(1));
    CHECK(test_is_filled(area, MIB(1), 1));
    CHECK_EQ(os_unmap(area, MIB(1)), 0);
}

static void without_madvise(void) {
    char *area = os_map(MIB(1), GRANULE, OS_READ_WRITE, "tide test");
    test_fill(area, MIB(1), 2);
    CHECK(os_purge(area, MIB(1)) != 0);  // never taken for zero
    CHECK(test_is_filled(area, MIB(1), 2));
    os_unmap(area, MIB(1));
}

// The first list finds out; it and the next one go range by range.
static void without_lists_of_ranges(void) {
    size_t          page = os_page_bytes();
    char           *area = os_map(MIB(1), GRANULE, OS_READ_WRITE, "tide test");
    struct os_range ranges[] = {{area, page}, {area + 2 * page, page}, {area + 4 * page, page}};
    CHECK_EQ(os_purge(area, page), 0);
    for (unsigned i = 0; i < 2; i++) {
        test_fill(area, MIB(1), 2);
        CHECK_EQ(os_purge_all(ranges, ARRAY_COUNT(ranges)), ARRAY_COUNT(ranges));
        CHECK_EQ(os_resident_in(area, MIB(1)), MIB(1) - 3 * page);
    }
    os_unmap(area, MIB(1));
}

static uint64_t mapped_pages(void) {
    char      text[64];
    uint64_t  pages;
    ptrdiff_t count = os_read_file("/proc/self/statm", text, sizeof text - 1);
    CHECK(count > 0);
    text[count] = 0;
    CHECK(sscanf(text, "%lu", &pages) == 1);
    return pages;
}

static void without_mremap(void) {
    uint64_t before = mapped_pages();
    char    *area = os_map(MIB(1), GRANULE, OS_READ_WRITE, "tide test");
    test_fill(area, MIB(1), 3);
    for (unsigned i = 0; i < 10; i++) {
        CHECK(os_move(area, MIB(1), MIB(2), GRANULE, "tide test", NULL) == NULL);
        CHECK_EQ(os_resize(area, MIB(1), MIB(2)), ENOMEM);
        CHECK_EQ(os_carry(area, area + MIB(1) / 2, MIB(1) / 2), OS_STAYED);
    }
    CHECK(test_is_filled(area, MIB(1), 3));
    CHECK_EQ(os_resize(area, MIB(1), GRANULE), 0);  // shrinking needs no mremap
    CHECK(!os_is_mapped(area + GRANULE, GRANULE));
    os_unmap(area, GRANULE);
    // No target of a move was left behind: they would be 20 MiB. (A sanitizer maps a little.)
    CHECK_LE(mapped_pages(), before + MIB(4) / os_page_bytes());
}

static void without_mincore(void) {
    int local = 0;
    CHECK(!os_is_mapped(&local, sizeof local));  // not proved
}

static void without_readv(void) {
    int local = 0;
    CHECK(!os_libc_owns(&local) && !os_libc_owns((void *)0xdead0000));
    char *hidden = os_map(GRANULE, GRANULE, OS_RESERVED, "tide test");
    CHECK(!os_libc_owns(hidden + 16) && !os_libc_owns(hidden + 4096));
    if (__libc_malloc)
        CHECK(os_libc_owns(__libc_malloc(100)));
    os_unmap(hidden, GRANULE);
}

static void without_files(void) {
    struct os_limits limits;
    char             text[10];
    CHECK_EQ(os_read_file("/proc/self/stat", text, sizeof text), -1);
    CHECK_EQ(os_resident_bytes(), 0);
    os_limits_read(&limits);
    CHECK_LE(1, limits.cpus);
}

static void without_affinity(void) {
    struct os_limits limits;
    os_limits_read(&limits);
    CHECK(limits.cpus >= 1 && limits.cpus <= sysconf(_SC_NPROCESSORS_CONF));
}

// The kernel's bytes of the start and the clock stand in.
static void without_random(void) {
    uint64_t first = os_random(), second = os_random();
    CHECK(first != 0 && second != 0 && first != second);
}

static void without_brk(void) {
    char *before = os_break();
    CHECK(os_break_move((intptr_t)GRANULE) == NULL && os_break() == before);
}

static void without_futex(void) {
    uint32_t word = 1;
    os_wait(&word, 1);  // returns
    os_wake(&word);
}

static const struct refusal refusals[] = {
    {"madvise", SYS_madvise, without_madvise},
    {"process_madvise", 440, without_lists_of_ranges},
    {"mremap", SYS_mremap, without_mremap},
    {"mincore", SYS_mincore, without_mincore},
    {"prctl", SYS_prctl, check_plain_use},
    {"process_vm_readv", SYS_process_vm_readv, without_readv},
    {"openat", SYS_openat, without_files},
    {"sched_getaffinity", SYS_sched_getaffinity, without_affinity},
    {"getrandom", SYS_getrandom, without_random},
    {"brk", SYS_brk, without_brk},
    {"futex", SYS_futex, without_futex},
    {"getcpu", SYS_getcpu, check_plain_use},
};

static void run(void *argument) {
    const struct refusal *refusal = argument;
    refuse_call(refusal->number, refused_with);
    refusal->body();
    check_plain_use();
    CHECK(os_cpu() < 65536);
}

int main(void) {
    static const int errors[] = {EPERM, ENOSYS};
    struct death     death;
    test_watchdog(100);
    os_start();
    for (unsigned e = 0; e < ARRAY_COUNT(errors); e++) {
        refused_with = errors[e];
        for (unsigned i = 0; i < ARRAY_COUNT(refusals); i++) {
            death_run(run, (void *)(uintptr_t)&refusals[i], &death);
            printf("%s refused with %s: %s\n", refusals[i].name, strerror(refused_with),
                   death.signal || death.status ? death.text : "ok");
            fflush(stdout);
            CHECK(!death.hung && death.signal == 0 && death.status == 0);
        }
    }
    return 0;
}
