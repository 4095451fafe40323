// tests/process/thp_refill.c - TIDE_THP: what blocks get; and that memory which was given back in
// pieces is not filled again.
//
// khugepaged comes by in a minute or more. MADV_COLLAPSE does at once what it would do at last, so
// the test asks that for each range of 2 MiB that has a resident page left.
#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { MIB = 1 << 20, UNIT = 2 * MIB, BLOCKS = 200000, COLLAPSE = 25 };

static char *blocks[BLOCKS];

// --- the host ------------------------------------------------------------------------------------

static bool host_says(const char *word) {
    char text[64] = "";
    int  fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY);
    if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
        return false;
    close(fd);
    return strstr(text, word) != NULL;
}

static bool can_collapse(void) {
    char *memory = mmap(NULL, 2 * UNIT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    char *unit = (char *)(((uintptr_t)memory + UNIT - 1) / UNIT * UNIT);
    madvise(unit, UNIT, MADV_NOHUGEPAGE);
    unit[0] = 1;
    madvise(unit, UNIT, MADV_HUGEPAGE);
    bool can = madvise(unit, UNIT, COLLAPSE) == 0;
    munmap(memory, 2 * UNIT);
    return can;
}

// --- our mappings --------------------------------------------------------------------------------

static bool is_ours(const char *line) {
    return strstr(line, "[heap]") != NULL || strstr(line, "tidemalloc arena") != NULL;
}

// Calls visit for each range of the heap's mappings, read at once: what it does may change them.
static void each_range(void (*visit)(uintptr_t start, uintptr_t end)) {
    static char text[1 << 20];
    size_t      length = 0;
    ssize_t     count;
    int         fd = open("/proc/self/maps", O_RDONLY);
    while ((count = read(fd, text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)count;
    close(fd);
    text[length] = '\0';
    uintptr_t from = 0, to = 0, start, end;
    for (char *line = text, *next; (next = strchr(line, '\n')) != NULL; line = next + 1) {
        *next = '\0';
        if (!is_ours(line) || sscanf(line, "%lx-%lx", &start, &end) != 2)
            continue;
        if (start != to && to != 0)
            visit(from, to);
        from = start == to ? from : start;
        to = end;
    }
    if (to != 0)
        visit(from, to);
}

static bool has_resident_page(uintptr_t unit) {
    unsigned char resident[UNIT / 4096];
    if (mincore((void *)unit, UNIT, resident) != 0)
        return false;
    for (size_t i = 0; i < UNIT / (size_t)sysconf(_SC_PAGESIZE); i++)
        if (resident[i] & 1)
            return true;
    return false;
}

static unsigned collapsed;

static void collapse(uintptr_t start, uintptr_t end) {
    for (uintptr_t unit = (start + UNIT - 1) / UNIT * UNIT; unit + UNIT <= end; unit += UNIT)
        if (has_resident_page(unit))
            collapsed += madvise((void *)unit, UNIT, COLLAPSE) == 0;
}

// --- cases ---------------------------------------------------------------------------------------

static void fill(size_t keep_one_in) {
    for (size_t i = 0; i < BLOCKS; i++) {
        CHECK((blocks[i] = malloc(1000)) != NULL);
        memset(blocks[i], 1, 1000);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        if (i % keep_one_in != 0)
            free(blocks[i]);
}

// One block in 400 stays; after a trim the RSS is what it is, and stays so within a tenth.
static int child_refill(void) {
    if (proc_env("TIDE_THP")[0] == '\0' && !host_says("[always]"))
        return 0;  // nobody collapses unasked
    memset(blocks, 1, sizeof blocks);
    fill(400);
    malloc_trim(0);
    size_t   after_trim = proc_rss();
    unsigned maps = (unsigned)proc_map_count();
    each_range(collapse);
    printf("%zu KiB after the trim, %zu KiB after the collapse of %u units, %u mappings\n",
           after_trim / 1024, proc_rss() / 1024, collapsed, maps);
    CHECK_LE(proc_rss(), after_trim + after_trim / 10);
    for (size_t i = 0; i < BLOCKS; i += 400)
        CHECK(test_is_byte(blocks[i], 1000, 1));
    return 0;
}

// Bytes in huge pages, of the whole process.
static size_t huge_bytes(void) {
    char    text[4096] = "";
    int     fd = open("/proc/self/smaps_rollup", O_RDONLY);
    ssize_t count = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    const char *found = count > 0 ? strstr(text, "AnonHugePages:") : NULL;
    return found != NULL ? strtoull(found + strlen("AnonHugePages:"), NULL, 10) * 1024 : 0;
}

static int child_always(void) {
    char *block = malloc(32 * MIB);
    CHECK(block != NULL);
    CHECK_EQ((uintptr_t)block % UNIT, 0);
    memset(block, 1, 32 * MIB);
    fill(1);
    each_range(collapse);
    printf("always: %zu KiB in huge pages\n", huge_bytes() / 1024);
    CHECK(collapsed > 0);  // a host short of memory may have no huge page for the block
    return 0;
}

static int child_never(void) {
    char *block = malloc(32 * MIB);
    CHECK(block != NULL);
    memset(block, 1, 32 * MIB);
    fill(1);
    each_range(collapse);
    CHECK_EQ(collapsed, 0);
    CHECK_EQ(huge_bytes(), 0);
    return 0;
}

// 100 threads of 16 bytes each, parked, whatever the host gives unasked: their stacks are not ours,
// so they are there before.
enum { THREADS = 100 };
static pthread_barrier_t parked;

static void *park(void *argument) {
    pthread_barrier_wait(&parked);
    pthread_barrier_wait(&parked);
    memset(malloc(16), 1, 16);
    pthread_barrier_wait(&parked);
    pthread_barrier_wait(&parked);
    return argument;
}

static int child_threads(void) {
    pthread_t thread;
    CHECK_EQ(pthread_barrier_init(&parked, NULL, THREADS + 1), 0);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&thread, NULL, park, NULL), 0);
    pthread_barrier_wait(&parked);
    size_t base = proc_rss();
    pthread_barrier_wait(&parked);
    pthread_barrier_wait(&parked);
    printf("threads: %zu KiB above base\n", (proc_rss() - base) / 1024);
    CHECK_LE(proc_rss(), base + 12 * MIB);
    fflush(stdout);
    _exit(0);  // they stay parked
}

static const struct mode {
    const char *name, *setting;
    int (*run)(void);
} modes[] = {
    {"refill", "TIDE_THP=always", child_refill},
    {"refill as the host", NULL, child_refill},
    {"always", "TIDE_THP=always", child_always},
    {"never", "TIDE_THP=never", child_never},
    {"threads", NULL, child_threads},
};

int main(int argc, char **argv) {
    static struct proc_result result;
    static const char *const  drop[] = {"TIDE_", NULL};
    test_watchdog(150);
    test_need_tide();
    for (size_t i = 0; argc > 1 && i < sizeof modes / sizeof *modes; i++)
        if (strcmp(argv[1], modes[i].name) == 0) {
            int status = modes[i].run();
            fflush(stdout);
            return status;
        }
    if (host_says("[never]") || !can_collapse())
        test_skip("no transparent huge pages, or a kernel without MADV_COLLAPSE");
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        const char *extra[] = {modes[i].setting, NULL};
        const char *arguments[] = {proc_self(), modes[i].name, NULL};
        proc_run(arguments, proc_environment(drop, extra), 120, &result);
        printf("%s: %s", modes[i].name, result.out);
        if (result.hung || result.signal || result.status)
            test_fail(__FILE__, __LINE__, result.err);
    }
    return 0;
}
