// tests/process/options_effect.c - options do what they say: perturb, huge_threshold, cache,
// foreign, arenas; and tide_option_get and _set answer as documented.
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"
#include "tidemalloc.h"

enum { MIB = 1 << 20, FILL = 90 };

struct wanted {  // one figure of tide_stats
    const char *name;
    uint64_t    value;
    bool        found;
};

static void look_for(const char *name, uint64_t value, const char *unit, void *data) {
    struct wanted *wanted = data;
    (void)unit;
    if (strcmp(name, wanted->name) == 0) {
        wanted->value = value;
        wanted->found = true;
    }
}

static uint64_t figure(const char *name) {
    struct wanted wanted = {name, 0, false};
    tide_stats(look_for, &wanted);
    CHECK(wanted.found);
    return wanted.value;
}

// glibc's meaning of perturb: new blocks hold the complement of the byte, freed ones the byte.
static int child_perturb(void) {
    unsigned char *freed = test_hide(malloc(100)), *kept = test_hide(malloc(100));
    free(freed);
    CHECK(test_is_byte(test_hide(freed), 100, FILL) && test_is_byte(kept, 100, FILL ^ 0xff));
    for (size_t size = 1; size < 3 * MIB; size *= 5) {
        unsigned char *block = malloc(size);
        CHECK(block != NULL && test_is_byte(block, size, FILL ^ 0xff));
        memset(block, 1, size);
        free(block);
        block = calloc(1, size);
        CHECK(block != NULL && test_is_byte(block, size, 0));
        free(block);
    }
    return 0;
}

static int child_cache_off(void) {
    for (size_t i = 0; i < 1000; i++)
        free(malloc(i));
    CHECK_EQ(figure("cached_bytes"), 0);
    return 0;
}

static int child_one_arena(void) {
    free(malloc(100));
    CHECK_EQ(figure("arenas"), 1);
    return 0;
}

// With foreign=leak a pointer from nowhere is one line, and life goes on.
static int child_foreign_leak(void) {
    void *strange = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(strange != MAP_FAILED);
    free(strange);
    free(malloc(100));
    return 0;
}

// Who resizes it learns that there is no block, and why.
static int child_foreign_leak_resize(void) {
    char *strange = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(strange != MAP_FAILED);
    strange[0] = 'a';
    errno = 0;
    CHECK(realloc(test_hide(strange), 100) == NULL && errno == EINVAL);
    CHECK(strange[0] == 'a');
    return 0;
}

struct row {
    const char *name;
    int (*child)(void);
    const char *setting;
    const char *stderr_end;  // how the only line ends; NULL = silence
};

static const struct row rows[] = {
    {"--perturb", child_perturb, "TIDE_PERTURB=90", NULL},
    {"--perturb", child_perturb, "MALLOC_PERTURB_=90", NULL},
    {"--perturb", child_perturb, "GLIBC_TUNABLES=glibc.malloc.perturb=90", NULL},
    {"--cache-off", child_cache_off, "TIDE_CACHE=off", NULL},
    {"--one-arena", child_one_arena, "TIDE_ARENAS=1", NULL},
    {"--one-arena", child_one_arena, "MALLOC_ARENA_MAX=1", NULL},
    {"--foreign-leak", child_foreign_leak, "TIDE_FOREIGN=leak",
     "pointer not from this allocator\n"},
    {"--foreign-leak-resize", child_foreign_leak_resize, "TIDE_FOREIGN=leak",
     "pointer not from this allocator\n"},
};

static void check_row(const struct row *row) {
    static const char *const  drop[] = {"TIDE_", "MALLOC_", "GLIBC_TUNABLES=", NULL};
    static struct proc_result result;
    const char               *extra[] = {row->setting, NULL};
    const char               *argv[] = {proc_self(), row->name, NULL};
    proc_run(argv, proc_environment(drop, extra), 20, &result);
    if (result.status != 0 || result.signal != 0)
        fprintf(stderr, "%s: status %d, signal %d, %s", row->setting, result.status, result.signal,
                result.err);
    CHECK(result.status == 0 && result.signal == 0 && !result.hung);
    if (row->stderr_end == NULL) {
        CHECK(result.err[0] == '\0');
        return;
    }
    const char *end = strstr(result.err, row->stderr_end);
    CHECK(end != NULL && strcmp(end, row->stderr_end) == 0);
    CHECK(strchr(result.err, '\n') == strrchr(result.err, '\n'));
}

static void test_get_and_set(void) {
    char value[32] = "untouched";
    CHECK_EQ(tide_option_get("no_such_option", value, sizeof value), ENOENT);
    CHECK_EQ(tide_option_set("no_such_option", "1"), ENOENT);
    CHECK_EQ(tide_option_get("purge_budget", value, 1), ERANGE);
    CHECK_EQ(tide_option_set("purge_budget", "3M"), 0);
    CHECK_EQ(tide_option_get("purge_budget", value, sizeof value), 0);
    CHECK(strcmp(value, "3M") == 0);
    CHECK_EQ(tide_option_set("purge_budget", "much"), EINVAL);
    CHECK_EQ(tide_option_set("cache", "2G"), ERANGE);
    CHECK_EQ(tide_option_set("arenas", "2"), EPERM);
    CHECK_EQ(tide_option_get("purge_budget", value, sizeof value), 0);
    CHECK(strcmp(value, "3M") == 0);
}

// The same through mallopt: its parameters are aliases of options.
static void test_mallopt(void) {
    char value[32];
    CHECK_EQ(mallopt(M_MMAP_THRESHOLD, 300 * 1024), 1);
    CHECK_EQ(tide_option_get("huge_threshold", value, sizeof value), 0);
    CHECK(strcmp(value, "300K") == 0);
    CHECK_EQ(mallopt(M_TOP_PAD, 256 * 1024), 1);
    CHECK_EQ(tide_option_get("top_pad", value, sizeof value), 0);
    CHECK(strcmp(value, "256K") == 0);
    CHECK_EQ(mallopt(M_TRIM_THRESHOLD, 5 * MIB), 1);
    CHECK_EQ(tide_option_get("trim_threshold", value, sizeof value), 0);
    CHECK(strcmp(value, "5M") == 0);
}

// A live change works at once: a block above the threshold is a mapping of its own.
static void test_threshold(void) {
    CHECK_EQ(tide_option_set("huge_threshold", "8M"), 0);
    uint64_t before = figure("huge_bytes");
    void    *arena_block = malloc(2 * MIB);
    CHECK_EQ(figure("huge_bytes"), before);
    CHECK_EQ(tide_option_set("huge_threshold", "1M"), 0);
    void *huge_block = malloc(2 * MIB);
    CHECK_LE(before + 2 * MIB, figure("huge_bytes"));
    free(arena_block);
    free(huge_block);
    CHECK_EQ(figure("huge_bytes"), before);
}

int main(int argc, char **argv) {
    test_watchdog(60);
    test_need_tide();
    for (size_t i = 0; argc > 1 && i < sizeof rows / sizeof *rows; i++)
        if (strcmp(argv[1], rows[i].name) == 0)
            return rows[i].child();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_row(&rows[i]);
    test_get_and_set();
    test_mallopt();
    test_threshold();
    return 0;
}
