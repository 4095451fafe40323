// tests/process/options_env.c - every variable good, bad, too large, empty and misspelt: a good
// one is silent and in force, any other is exactly one line and the default stands.
//
// The program runs itself with one variable set and compares stderr and the value in force.
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"
#include "tidemalloc.h"

// {} in complaint stands for the default of the option, as the library itself shows it. NULL:
// nothing may be written, and the option must have the value.
struct row {
    const char *option;
    const char *setting;
    const char *value;
    const char *complaint;
};

static const struct row rows[] = {
    {"arenas", "TIDE_ARENAS=3", "3", NULL},
    {"arenas", "TIDE_ARENAS=auto", "auto", NULL},
    {"arenas", "TIDE_ARENAS=abc", NULL, "TIDE_ARENAS=abc: not a number; using the default {}"},
    {"arenas", "TIDE_ARENAS=3x", NULL, "TIDE_ARENAS=3x: not a number; using the default {}"},
    {"arenas", "TIDE_ARENAS=-1", NULL, "TIDE_ARENAS=-1: not a number; using the default {}"},
    {"arenas", "TIDE_ARENAS=", NULL, "TIDE_ARENAS=: not a number; using the default {}"},
    {"arenas", "TIDE_ARENAS=100000", NULL,
     "TIDE_ARENAS=100000: outside 1 to 256 or auto; using the default {}"},
    {"arenas", "TIDE_ARENAS=99999999999999999999999", NULL,
     "TIDE_ARENAS=99999999999999999999999: outside 1 to 256 or auto; using the default {}"},
    {"cache", "TIDE_CACHE=64K", "64K", NULL},
    {"cache", "TIDE_CACHE=100000", "100000", NULL},
    {"cache", "TIDE_CACHE=0", "off", NULL},
    {"cache", "TIDE_CACHE=off", "off", NULL},
    {"cache", "TIDE_CACHE=big", NULL, "TIDE_CACHE=big: not a size; using the default {}"},
    {"cache", "TIDE_CACHE=", NULL, "TIDE_CACHE=: not a size; using the default {}"},
    {"cache", "TIDE_CACHE=2G", NULL, "TIDE_CACHE=2G: outside 1 to 1G or off; using the default {}"},
    {"cache_total", "TIDE_CACHE_TOTAL=4M", "4M", NULL},
    {"cache_total", "TIDE_CACHE_TOTAL=4Q", NULL,
     "TIDE_CACHE_TOTAL=4Q: not a size; using the default {}"},
    {"cache_total", "TIDE_CACHE_TOTAL=65G", NULL,
     "TIDE_CACHE_TOTAL=65G: outside 1 to 64G or off; using the default {}"},
    {"huge_threshold", "TIDE_HUGE_THRESHOLD=2M", "2M", NULL},
    {"huge_threshold", "TIDE_HUGE_THRESHOLD=1K", NULL,
     "TIDE_HUGE_THRESHOLD=1K: outside 64K to 32M; using the default {}"},
    {"huge_threshold", "TIDE_HUGE_THRESHOLD=33M", NULL,
     "TIDE_HUGE_THRESHOLD=33M: outside 64K to 32M; using the default {}"},
    {"huge_threshold", "TIDE_HUGE_THRESHOLD=off", NULL,
     "TIDE_HUGE_THRESHOLD=off: not a size; using the default {}"},
    {"huge_cache", "TIDE_HUGE_CACHE=8M", "8M", NULL},
    {"huge_cache", "TIDE_HUGE_CACHE=off", "off", NULL},
    {"huge_cache", "TIDE_HUGE_CACHE=", NULL, "TIDE_HUGE_CACHE=: not a size; using the default {}"},
    {"top_pad", "TIDE_TOP_PAD=1M", "1M", NULL},
    {"top_pad", "TIDE_TOP_PAD=2G", NULL, "TIDE_TOP_PAD=2G: outside 0 to 1G; using the default {}"},
    {"trim_threshold", "TIDE_TRIM_THRESHOLD=2M", "2M", NULL},
    {"trim_threshold", "TIDE_TRIM_THRESHOLD=?", NULL,
     "TIDE_TRIM_THRESHOLD=?: not a size; using the default {}"},
    {"purge_budget", "TIDE_PURGE_BUDGET=32M", "32M", NULL},
    {"purge_budget", "TIDE_PURGE_BUDGET=0", "0", NULL},
    {"purge_budget", "TIDE_PURGE_BUDGET=1 M", NULL,
     "TIDE_PURGE_BUDGET=1 M: not a size; using the default {}"},
    {"purge_percent", "TIDE_PURGE_PERCENT=50%", "50%", NULL},
    {"purge_percent", "TIDE_PURGE_PERCENT=101%", NULL,
     "TIDE_PURGE_PERCENT=101%: outside 0% to 100%; using the default {}"},
    {"purge_percent", "TIDE_PURGE_PERCENT=half", NULL,
     "TIDE_PURGE_PERCENT=half: not a percentage; using the default {}"},
    {"decay", "TIDE_DECAY=5s", "5s", NULL},
    {"decay", "TIDE_DECAY=250ms", "250ms", NULL},
    {"decay", "TIDE_DECAY=off", "off", NULL},
    {"decay", "TIDE_DECAY=soon", NULL, "TIDE_DECAY=soon: not a duration; using the default {}"},
    {"decay", "TIDE_DECAY=2h", NULL,
     "TIDE_DECAY=2h: outside 1ms to 1h or off; using the default {}"},
    {"soft_limit", "TIDE_SOFT_LIMIT=80%", "80%", NULL},
    {"soft_limit", "TIDE_SOFT_LIMIT=100M", "100M", NULL},
    {"soft_limit", "TIDE_SOFT_LIMIT=off", "off", NULL},
    {"soft_limit", "TIDE_SOFT_LIMIT=lots", NULL,
     "TIDE_SOFT_LIMIT=lots: not a size or percentage; using the default {}"},
    {"soft_limit", "TIDE_SOFT_LIMIT=80", NULL,
     "TIDE_SOFT_LIMIT=80: outside 1M to 1T, 1% to 100% or off; using the default {}"},
    {"soft_limit", "TIDE_SOFT_LIMIT=0%", NULL,
     "TIDE_SOFT_LIMIT=0%: outside 1M to 1T, 1% to 100% or off; using the default {}"},
    {"hard_limit", "TIDE_HARD_LIMIT=1G", "1G", NULL},
    {"hard_limit", "TIDE_HARD_LIMIT=120%", NULL,
     "TIDE_HARD_LIMIT=120%: outside 1M to 1T, 1% to 100% or off; using the default {}"},
    {"thp", "TIDE_THP=never", "never", NULL},
    {"thp", "TIDE_THP=2", "always", NULL},
    {"thp", "TIDE_THP=yes", NULL,
     "TIDE_THP=yes: not one of never|default|always; using the default {}"},
    {"perturb", "TIDE_PERTURB=90", "90", NULL},
    {"perturb", "TIDE_PERTURB=256", NULL,
     "TIDE_PERTURB=256: outside 1 to 255 or off; using the default {}"},
    {"hardened", "TIDE_HARDENED=1", "on", NULL},
    {"hardened", "TIDE_HARDENED=hard", NULL,
     "TIDE_HARDENED=hard: not on or off; using the default {}"},
    {"canary", "TIDE_CANARY=off", "off", NULL},
    {"canary", "TIDE_CANARY=8", NULL, "TIDE_CANARY=8: not on or off; using the default {}"},
    {"zero_on_free", "TIDE_ZERO_ON_FREE=0", "off", NULL},
    {"zero_on_free", "TIDE_ZERO_ON_FREE=z", NULL,
     "TIDE_ZERO_ON_FREE=z: not on or off; using the default {}"},
    {"random_slots", "TIDE_RANDOM_SLOTS=no", "off", NULL},
    {"random_slots", "TIDE_RANDOM_SLOTS=-", NULL,
     "TIDE_RANDOM_SLOTS=-: not on or off; using the default {}"},
    {"quarantine", "TIDE_QUARANTINE=64K", "64K", NULL},
    {"quarantine", "TIDE_QUARANTINE=off", "off", NULL},
    {"quarantine", "TIDE_QUARANTINE=2G", NULL,
     "TIDE_QUARANTINE=2G: outside 1 to 1G or off; using the default {}"},
    {"guard_pages", "TIDE_GUARD_PAGES=off", "off", NULL},
    {"guard_pages", "TIDE_GUARD_PAGES=7", NULL,
     "TIDE_GUARD_PAGES=7: not on or off; using the default {}"},
    {"retired", "TIDE_RETIRED=1G", "1G", NULL},
    {"retired", "TIDE_RETIRED=many", NULL,
     "TIDE_RETIRED=many: not a size; using the default {}"},
    {"families", "TIDE_FAMILIES=on", "on", NULL},
    {"families", "TIDE_FAMILIES=off", "off", NULL},
    {"families", "TIDE_FAMILIES=auto", "auto", NULL},
    {"families", "TIDE_FAMILIES=new", NULL,
     "TIDE_FAMILIES=new: not one of off|on|auto; using the default {}"},
    {"foreign", "TIDE_FOREIGN=leak", "leak", NULL},
    {"foreign", "TIDE_FOREIGN=ignore", NULL,
     "TIDE_FOREIGN=ignore: not one of abort|leak; using the default {}"},
    {"guard", "TIDE_GUARD=1/5000", "1/5000", NULL},
    {"guard", "TIDE_GUARD=64K", "64K", NULL},
    {"guard", "TIDE_GUARD=off", "off", NULL},
    {"guard", "TIDE_GUARD=often", NULL,
     "TIDE_GUARD=often: not a size or 1/N; using the default {}"},
    {"guard", "TIDE_GUARD=1/x", NULL, "TIDE_GUARD=1/x: not a size or 1/N; using the default {}"},
    {"guard", "TIDE_GUARD=2/5000", NULL,
     "TIDE_GUARD=2/5000: not a size or 1/N; using the default {}"},
    {"guard", "TIDE_GUARD=1/0", NULL,
     "TIDE_GUARD=1/0: outside 4K to 1T, 1/1 to 1/1000000 or off; using the default {}"},
    {"guard", "TIDE_GUARD=1/1000001", NULL,
     "TIDE_GUARD=1/1000001: outside 4K to 1T, 1/1 to 1/1000000 or off; using the default {}"},
    {"guard", "TIDE_GUARD=100", NULL,
     "TIDE_GUARD=100: outside 4K to 1T, 1/1 to 1/1000000 or off; using the default {}"},
    {"guard_blocks", "TIDE_GUARD_BLOCKS=1000", "1000", NULL},
    {"guard_blocks", "TIDE_GUARD_BLOCKS=0", NULL,
     "TIDE_GUARD_BLOCKS=0: outside 1 to 16384; using the default {}"},
    {"stats", "TIDE_STATS=off", "off", NULL},
    {"stats", "TIDE_STATS=xml", NULL,
     "TIDE_STATS=xml: not one of off|text|json; using the default {}"},
    {"background", "TIDE_BACKGROUND=1", "on", NULL},
    {"background", "TIDE_BACKGROUND=2", NULL,
     "TIDE_BACKGROUND=2: not on or off; using the default {}"},
    {"verbose", "TIDE_VERBOSE=off", "off", NULL},
    {"verbose", "TIDE_VERBOSE=loud", NULL,
     "TIDE_VERBOSE=loud: not on or off; using the default {}"},
    {"arenas", "TIDE_ARENA=3", NULL, "TIDE_ARENA: unknown option"},
    {"arenas", "TIDE_=3", NULL, "TIDE_: unknown option"},
    {"arenas", "TIDE_arenas=3", NULL, "TIDE_arenas: unknown option"},
    {"arenas", "MALLOC_ARENA_MAX=2", "2", NULL},
    {"arenas", "MALLOC_ARENA_MAX=two", NULL,
     "MALLOC_ARENA_MAX=two: not a number; using the default {}"},
    {"huge_threshold", "MALLOC_MMAP_THRESHOLD_=262144", "256K", NULL},
    {"huge_threshold", "MALLOC_MMAP_THRESHOLD_=10000000000", "32M", NULL},
    {"trim_threshold", "MALLOC_TRIM_THRESHOLD_=3145728", "3M", NULL},
    {"top_pad", "MALLOC_TOP_PAD_=65536", "64K", NULL},
    {"perturb", "MALLOC_PERTURB_=17", "17", NULL},
    {"arenas", "GLIBC_TUNABLES=glibc.malloc.arena_max=5", "5", NULL},
    {"huge_threshold", "GLIBC_TUNABLES=glibc.malloc.arena_max=5:glibc.malloc.mmap_threshold=200000",
     "200000", NULL},
    {"perturb", "GLIBC_TUNABLES=glibc.malloc.perturb=33", "33", NULL},
    {"top_pad", "GLIBC_TUNABLES=glibc.malloc.top_pad=4096", "4K", NULL},
    {"trim_threshold", "GLIBC_TUNABLES=glibc.malloc.trim_threshold=8388608", "8M", NULL},
    {"arenas", "MALLOC_UNKNOWN_=1", "auto", NULL},
};

static const char *const drop[] = {"TIDE_", "MALLOC_", "GLIBC_TUNABLES=", NULL};

static void option_text(const char *option, char *text, size_t text_bytes) {
    CHECK_EQ(tide_option_get(option, text, text_bytes), 0);
}

// "tidemalloc: " and the complaint with {} replaced, and the end of the line.
static void expected_line(const struct row *row, const char *fallback, char *line, size_t bytes) {
    line[0] = '\0';
    if (row->complaint == NULL)
        return;
    const char *gap = strstr(row->complaint, "{}");
    int         length = gap != NULL ? (int)(gap - row->complaint) : (int)strlen(row->complaint);
    snprintf(line, bytes, "tidemalloc: %.*s%s\n", length, row->complaint,
             gap != NULL ? fallback : "");
}

static bool row_is_right(const struct row *row) {
    static struct proc_result result;
    char                      fallback[64], line[512], value[80];
    const char               *extra[] = {row->setting, NULL};
    const char               *argv[] = {proc_self(), "--show", row->option, NULL};
    option_text(row->option, fallback, sizeof fallback);
    expected_line(row, fallback, line, sizeof line);
    snprintf(value, sizeof value, "%s\n", row->value != NULL ? row->value : fallback);
    proc_run(argv, proc_environment(drop, extra), 20, &result);
    if (!result.hung && result.signal == 0 && result.status == 0 && strcmp(result.err, line) == 0 &&
        strcmp(result.out, value) == 0)
        return true;
    fprintf(stderr, "%s: expected %sand value %sgot %sand value %s", row->setting, line, value,
            result.err, result.out);
    return false;
}

// Verbose shows the version first, then every option of the table with its value.
static bool verbose_is_right(void) {
    static struct proc_result result;
    static const char *const  extra[] = {"TIDE_VERBOSE=1", "TIDE_CACHE=64K", NULL};
    const char               *argv[] = {proc_self(), "--show", "arenas", NULL};
    char                      head[64];
    snprintf(head, sizeof head, "tidemalloc %d.%d.%d\n", TIDE_VERSION_MAJOR, TIDE_VERSION_MINOR,
             TIDE_VERSION_PATCH);
    proc_run(argv, proc_environment(drop, extra), 20, &result);
    bool right = result.status == 0 && strncmp(result.err, head, strlen(head)) == 0;
    right = right && strstr(result.err, "TIDE_CACHE=64K") != NULL;
    right = right && strstr(result.err, "TIDE_VERBOSE=on") != NULL;
    right = right && strstr(result.err, "TIDE_PURGE_PERCENT=") != NULL;
    if (!right)
        fprintf(stderr, "TIDE_VERBOSE=1 shows:\n%s", result.err);
    return right;
}

// A stronger name wins over a weaker one: TIDE_ over the tunable, the tunable over the alias.
static bool priorities_are_right(void) {
    static const char *const sets[][4] = {
        {"MALLOC_ARENA_MAX=2", "TIDE_ARENAS=4", NULL, "4\n"},
        {"TIDE_ARENAS=4", "GLIBC_TUNABLES=glibc.malloc.arena_max=3", NULL, "4\n"},
        {"GLIBC_TUNABLES=glibc.malloc.arena_max=3", "MALLOC_ARENA_MAX=2", NULL, "3\n"},
    };
    static struct proc_result result;
    const char               *argv[] = {proc_self(), "--show", "arenas", NULL};
    bool                      right = true;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        proc_run(argv, proc_environment(drop, sets[i]), 20, &result);
        if (strcmp(result.out, sets[i][3]) == 0 && result.err[0] == '\0')
            continue;
        fprintf(stderr, "%s %s: got %s%s", sets[i][0], sets[i][1], result.out, result.err);
        right = false;
    }
    return right;
}

int main(int argc, char **argv) {
    test_watchdog(60);
    test_need_tide();
    if (argc > 2 && strcmp(argv[1], "--show") == 0) {
        char value[64];
        option_text(argv[2], value, sizeof value);
        printf("%s\n", value);
        return 0;
    }
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        wrong += !row_is_right(&rows[i]);
    wrong += !verbose_is_right();
    wrong += !priorities_are_right();
    CHECK_EQ(wrong, 0);
    return 0;
}
