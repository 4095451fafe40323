// tests/unit/conf/test_fake_options.c - every way to set an option.
#include "conf/options.h"
#include "tests/support/fake_os.h"
#include "tests/unit/check_text.h"

enum { LINE = 400, VARIABLES = 8 };

// --- helpers -------------------------------------------------------------------------------------

// Starts anew with up to VARIABLES variables (NULL = none) and forgets older output.
static void start(const char *a, const char *b, const char *c) {
    char *environment[VARIABLES] = {(char *)"PATH=/bin", (char *)a, (char *)b, (char *)c, NULL};
    fake_clear_output();
    options_start(environment);
}

static const char *shown(enum option_id id) {
    static struct text_line line;
    text_begin(&line);
    options_show(id, &line);
    return line.bytes;
}

static void join(char *target, const char *a, const char *b, const char *c, const char *d) {
    const char *parts[] = {a, b, c, d};
    size_t      length = 0;
    for (unsigned i = 0; i < ARRAY_COUNT(parts); i++)
        for (const char *at = parts[i]; *at; at++) {
            CHECK(length < LINE - 1);
            target[length++] = *at;
        }
    target[length] = 0;
}

static bool is_default(enum option_id id) {
    return option(id) == options_row(id)->fallback && options_origin(id) == ORIGIN_DEFAULT;
}

// The text of the default as the library shows it.
static const char *default_text(enum option_id id) {
    start(NULL, NULL, NULL);
    return shown(id);
}

// `setting` gives exactly "tidemalloc: SETTING: REASON; using the default DEFAULT\n".
static void expect_refused(enum option_id id, const char *setting, const char *reason) {
    char expected[LINE], tail[LINE];
    join(tail, reason, "; using the default ", default_text(id), "\n");
    join(expected, "tidemalloc: ", setting, ": ", tail);
    start(setting, NULL, NULL);
    CHECK_TEXT(fake_output(), expected);
    CHECK(is_default(id));
}

static void expect_taken(enum option_id id, const char *setting, uint64_t value,
                         enum option_origin origin) {
    start(setting, NULL, NULL);
    CHECK_TEXT(fake_output(), "");
    CHECK(option(id) == value);
    CHECK(options_origin(id) == origin);
}

// --- each option: good, bad, too large, empty, typo ----------------------------------------------

struct option_case {
    enum option_id id;
    const char    *good;    // a value that is not the default
    uint64_t       value;   // what it means
    const char    *bad;     // not of its type
    const char    *reason;  // the words about that
    const char    *large;   // above the bound; NULL for types without one
};

static const struct option_case cases[] = {
    {OPT_ARENAS, "3", 3, "abc", "not a number", "999"},
    {OPT_CACHE, "256K", KIB(256), "1Q", "not a size", "2T"},
    {OPT_CACHE_TOTAL, "7M", MIB(7), "M", "not a size", "2000T"},
    {OPT_HUGE_THRESHOLD, "2MiB", MIB(2), "2 M", "not a size", "1G"},
    {OPT_HUGE_CACHE, "off", 0, "-1", "not a size", "99999999999999999999"},
    {OPT_TOP_PAD, "4096", 4096, "4096x", "not a size", "1T"},
    {OPT_TRIM_THRESHOLD, "3g", GIB(3), "3gg", "not a size", "999999T"},
    {OPT_PURGE_BUDGET, "5M", MIB(5), "lots", "not a size", "999999T"},
    {OPT_PURGE_PERCENT, "25%", 25, "25 percent", "not a percentage", "101%"},
    {OPT_DECAY, "1500ms", 1500, "soon", "not a duration", "999h"},
    {OPT_SOFT_LIMIT, "80%", 80, "most", "not a size or percentage", NULL},
    {OPT_HARD_LIMIT, "100M", MIB(100), "100 M", "not a size or percentage", NULL},
    {OPT_THP, "always", 2, "sometimes", "not one of never|default|always", NULL},
    {OPT_PERTURB, "0xa5", 0xa5, "a5", "not a number", "256"},
    {OPT_HARDENED, "1", 1, "very", "not on or off", NULL},
    {OPT_CANARY, "off", 0, "2", "not on or off", NULL},
    {OPT_ZERO_ON_FREE, "no", 0, "?", "not on or off", NULL},
    {OPT_RANDOM_SLOTS, "0", 0, "sometimes", "not on or off", NULL},
    {OPT_QUARANTINE, "off", 0, "long", "not a size", "2T"},
    {OPT_GUARD_PAGES, "false", 0, "4K", "not on or off", NULL},
    {OPT_RETIRED, "1G", GIB(1), "old", "not a size", "2000T"},
    {OPT_FAMILIES, "on", 1, "some", "not one of off|on|auto", NULL},
    {OPT_FOREIGN, "leak", 1, "ignore", "not one of abort|leak", NULL},
    {OPT_GUARD, "1/5000", OPTION_SHARE + 5000, "2/5000", "not a size or 1/N", NULL},
    {OPT_GUARD_BLOCKS, "1000", 1000, "1K", "not a number", "16385"},
    {OPT_STATS, "json", 2, "yaml", "not one of off|text|json", NULL},
    {OPT_BACKGROUND, "1", 1, "maybe", "not on or off", NULL},
    {OPT_VERBOSE, "yes", 1, "2", "not on or off", NULL},
};

static void test_every_option(void) {
    char setting[LINE];
    CHECK(ARRAY_COUNT(cases) == OPTION_COUNT);
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_case *c = &cases[i];
        const char               *variable = options_row(c->id)->variable;
        CHECK(c->id == i);
        CHECK(c->value != options_row(c->id)->fallback);
        join(setting, variable, "=", c->good, "");
        expect_taken(c->id, setting, c->value, ORIGIN_TIDE);
        join(setting, variable, "=", c->bad, "");
        expect_refused(c->id, setting, c->reason);
        join(setting, variable, "=", "", "");
        expect_refused(c->id, setting, c->reason);
    }
}

// "outside MIN to MAX or WORD", from the row itself.
static void test_bounds(void) {
    char setting[LINE], reason[LINE], high[LINE];
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = options_row(cases[i].id);
        if (!cases[i].large)
            continue;
        start(NULL, NULL, NULL);
        options_page.values[i] = row->max;
        join(high, shown(cases[i].id), row->zero ? " or " : "", row->zero ? row->zero : "", "");
        options_page.values[i] = row->zero && row->min == 0 ? 1 : row->min;
        join(reason, "outside ", shown(cases[i].id), " to ", high);
        join(setting, row->variable, "=", cases[i].large, "");
        expect_refused(cases[i].id, setting, reason);
    }
}

static void test_exact_lines(void) {
    start("TIDE_ARENAS=abc", NULL, NULL);
    CHECK_TEXT(fake_output(),
               "tidemalloc: TIDE_ARENAS=abc: not a number; using the default auto\n");
    start("TIDE_ARENAS=999", NULL, NULL);
    CHECK_TEXT(fake_output(), "tidemalloc: TIDE_ARENAS=999: outside 1 to 256 or auto; "
                              "using the default auto\n");
    expect_refused(OPT_DECAY, "TIDE_DECAY=2h", "outside 1ms to 1h or off");
    expect_refused(OPT_HUGE_THRESHOLD, "TIDE_HUGE_THRESHOLD=1", "outside 64K to 32M");
    expect_refused(OPT_PURGE_PERCENT, "TIDE_PURGE_PERCENT=300", "outside 0% to 100%");
    static const char *const limits[] = {"0%", "101%", "80", "1023K", "1025T"};
    for (unsigned i = 0; i < ARRAY_COUNT(limits); i++) {
        char setting[LINE];
        join(setting, "TIDE_SOFT_LIMIT=", limits[i], "", "");
        expect_refused(OPT_SOFT_LIMIT, setting, "outside 1M to 1T, 1% to 100% or off");
    }
    static const char *const rates[] = {"1/0", "1/1000001", "4095", "1025T"};
    for (unsigned i = 0; i < ARRAY_COUNT(rates); i++) {
        char setting[LINE];
        join(setting, "TIDE_GUARD=", rates[i], "", "");
        expect_refused(OPT_GUARD, setting, "outside 4K to 1T, 1/1 to 1/1000000 or off");
    }
    expect_taken(OPT_GUARD, "TIDE_GUARD=1M", MIB(1), ORIGIN_TIDE);
    start("TIDE_FOREIGN=2", NULL, NULL);
    CHECK_TEXT(fake_output(), "tidemalloc: TIDE_FOREIGN=2: not one of abort|leak; "
                              "using the default abort\n");
    start("TIDE_VERBOSE=", NULL, NULL);
    CHECK_TEXT(fake_output(),
               "tidemalloc: TIDE_VERBOSE=: not on or off; using the default off\n");
}

static void test_unknown(void) {
    start("TIDE_AREANS=4", NULL, NULL);
    CHECK_TEXT(fake_output(), "tidemalloc: TIDE_AREANS: unknown option\n");
    start("TIDE_=4", "TIDE_ARENAS_MAX=4", NULL);  // a known name followed by more is unknown
    CHECK_TEXT(fake_output(), "tidemalloc: TIDE_: unknown option\n"
                              "tidemalloc: TIDE_ARENAS_MAX: unknown option\n");
    start("TIDE_ARENA=4", "tide_arenas=4", "TIDEARENAS=4");  // the others are not our names
    CHECK_TEXT(fake_output(), "tidemalloc: TIDE_ARENA: unknown option\n");
    start("TIDE_ARENAS", "TIDE", "=");  // entries without a name or a value
    CHECK_TEXT(fake_output(), "");
    CHECK(is_default(OPT_ARENAS));
}

// One line whatever the value holds, and the reason is never cut off.
static void test_hostile_values(void) {
    start("TIDE_ARENAS=4\n\033[2J\x7f", NULL, NULL);
    CHECK_TEXT(fake_output(),
               "tidemalloc: TIDE_ARENAS=4??[2J?: not a number; using the default auto\n");
    char setting[2000] = "TIDE_ARENAS=";
    for (size_t i = 12; i < sizeof setting - 1; i++)
        setting[i] = '9';
    start(setting, NULL, NULL);
    CHECK_TEXT(fake_output(), "tidemalloc: TIDE_ARENAS="
                              "9999999999999999999999999999999999999999999999999999999999999999"
                              "...: not a number; using the default auto\n");
    CHECK(is_default(OPT_ARENAS));
    for (size_t i = 5; i < sizeof setting - 2; i++)
        setting[i] = 'N';
    setting[sizeof setting - 2] = '=';
    start(setting, NULL, NULL);
    CHECK_TEXT(fake_output(), "tidemalloc: TIDE_"
                              "NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN"
                              "...: unknown option\n");
}

// The longest value that is read, and one more.
static void test_value_length(void) {
    char setting[LINE] = "TIDE_ARENAS=";
    memset(setting + 12, '0', 62);
    setting[12 + 62] = '7';
    expect_taken(OPT_ARENAS, setting, 7, ORIGIN_TIDE);
    setting[12 + 63] = '7';
    expect_refused(OPT_ARENAS, setting, "not a number");
}

// Words in any case, digits for choices, the zero word and 0, units.
static void test_spellings(void) {
    expect_taken(OPT_STATS, "TIDE_STATS=1", 1, ORIGIN_TIDE);
    expect_taken(OPT_STATS, "TIDE_STATS=text", 1, ORIGIN_TIDE);
    expect_taken(OPT_STATS, "TIDE_STATS=JSON", 2, ORIGIN_TIDE);
    expect_taken(OPT_STATS, "TIDE_STATS=0", 0, ORIGIN_TIDE);
    expect_taken(OPT_STATS, "TIDE_STATS=off", 0, ORIGIN_TIDE);
    expect_refused(OPT_STATS, "TIDE_STATS=js", "not one of off|text|json");
    expect_refused(OPT_STATS, "TIDE_STATS=off|text", "not one of off|text|json");
    expect_taken(OPT_FOREIGN, "TIDE_FOREIGN=1", 1, ORIGIN_TIDE);
    expect_taken(OPT_FOREIGN, "TIDE_FOREIGN=abort", 0, ORIGIN_TIDE);
    expect_taken(OPT_CACHE, "TIDE_CACHE=OFF", 0, ORIGIN_TIDE);
    expect_taken(OPT_CACHE, "TIDE_CACHE=0", 0, ORIGIN_TIDE);
    expect_taken(OPT_ARENAS, "TIDE_ARENAS=auto", 0, ORIGIN_TIDE);
    expect_refused(OPT_ARENAS, "TIDE_ARENAS=off", "not a number");
    expect_taken(OPT_DECAY, "TIDE_DECAY=3", 3000, ORIGIN_TIDE);
    expect_taken(OPT_VERBOSE, "TIDE_VERBOSE=True", 1, ORIGIN_TIDE);
}

// --- where values come from ----------------------------------------------------------------------

static void test_no_environment(void) {
    fake_clear_output();
    options_start(NULL);
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        CHECK(is_default((enum option_id)i));
    CHECK_TEXT(fake_output(), "");
}

static void test_aliases(void) {
    expect_taken(OPT_ARENAS, "MALLOC_ARENA_MAX=4", 4, ORIGIN_ALIAS);
    expect_taken(OPT_PERTURB, "MALLOC_PERTURB_=165", 165, ORIGIN_ALIAS);
    expect_taken(OPT_HUGE_THRESHOLD, "MALLOC_MMAP_THRESHOLD_=131072", KIB(128), ORIGIN_ALIAS);
    expect_taken(OPT_TOP_PAD, "MALLOC_TOP_PAD_=0", 0, ORIGIN_ALIAS);
    expect_refused(OPT_ARENAS, "MALLOC_ARENA_MAX=many", "not a number");
    expect_refused(OPT_ARENAS, "MALLOC_ARENA_MAX=-1", "not a number");
    expect_refused(OPT_ARENAS, "MALLOC_ARENA_MAX=1000", "outside 1 to 256 or auto");
    expect_refused(OPT_TRIM_THRESHOLD, "MALLOC_TRIM_THRESHOLD_=", "not a size");
    expect_refused(OPT_TRIM_THRESHOLD, "MALLOC_TRIM_THRESHOLD_=-", "not a size");
    start("MALLOC_CHECK_=3", "MALLOC_TRACE=x", "MALLOC_ARENA_TEST=y");
    CHECK_TEXT(fake_output(), "");
}

// glibc's sizes have no bad values: they become the nearest bound, negative ones the highest.
static void test_alias_bounds(void) {
    const uint64_t max = options_row(OPT_HUGE_THRESHOLD)->max;
    const uint64_t min = options_row(OPT_HUGE_THRESHOLD)->min;
    expect_taken(OPT_HUGE_THRESHOLD, "MALLOC_MMAP_THRESHOLD_=4294967296", max, ORIGIN_ALIAS);
    expect_taken(OPT_HUGE_THRESHOLD, "MALLOC_MMAP_THRESHOLD_=99999999999999999999999", max,
                 ORIGIN_ALIAS);
    expect_taken(OPT_HUGE_THRESHOLD, "MALLOC_MMAP_THRESHOLD_=-1", max, ORIGIN_ALIAS);
    expect_taken(OPT_HUGE_THRESHOLD, "MALLOC_MMAP_THRESHOLD_=-99999999999999999999", max,
                 ORIGIN_ALIAS);
    expect_taken(OPT_HUGE_THRESHOLD, "MALLOC_MMAP_THRESHOLD_=0", min, ORIGIN_ALIAS);
    expect_taken(OPT_HUGE_THRESHOLD, "MALLOC_MMAP_THRESHOLD_=-0", min, ORIGIN_ALIAS);
    expect_taken(OPT_TRIM_THRESHOLD, "MALLOC_TRIM_THRESHOLD_=-1",
                 options_row(OPT_TRIM_THRESHOLD)->max, ORIGIN_ALIAS);
    expect_taken(OPT_TOP_PAD, "GLIBC_TUNABLES=glibc.malloc.top_pad=0xffffffffffffffff",
                 options_row(OPT_TOP_PAD)->max, ORIGIN_TUNABLE);
    expect_refused(OPT_HUGE_THRESHOLD, "TIDE_HUGE_THRESHOLD=-1", "not a size");
}

static void test_tunables(void) {
    start("GLIBC_TUNABLES=glibc.malloc.arena_max=4:glibc.malloc.perturb=90", NULL, NULL);
    CHECK(option(OPT_ARENAS) == 4 && options_origin(OPT_ARENAS) == ORIGIN_TUNABLE);
    CHECK(option(OPT_PERTURB) == 90 && options_origin(OPT_PERTURB) == ORIGIN_TUNABLE);
    start("GLIBC_TUNABLES=glibc.malloc.tcache_count=0:glibc.rtld.optional_static_tls=1024:x:=:::"
          "TIDE_ARENAS=5:TIDE_FOO=1:MALLOC_ARENA_MAX=5:glibc.malloc.arena_max=6:",
          NULL, NULL);
    CHECK(option(OPT_ARENAS) == 6 && options_origin(OPT_ARENAS) == ORIGIN_TUNABLE);
    CHECK_TEXT(fake_output(), "");
    start("GLIBC_TUNABLES=glibc.malloc.arena_max=4:glibc.malloc.arena_max=7", NULL, NULL);
    CHECK(option(OPT_ARENAS) == 7);
    start("GLIBC_TUNABLES=", NULL, NULL);
    CHECK_TEXT(fake_output(), "");
    start("GLIBC_TUNABLES=glibc.malloc.perturb=x:glibc.malloc.arena_max=", NULL, NULL);
    CHECK_TEXT(fake_output(),
               "tidemalloc: glibc.malloc.perturb=x: not a number; using the default off\n"
               "tidemalloc: glibc.malloc.arena_max=: not a number; using the default auto\n");
    // As variables of their own the keys mean nothing.
    start("glibc.malloc.arena_max=4", NULL, NULL);
    CHECK(is_default(OPT_ARENAS));
    CHECK_TEXT(fake_output(), "");
}

// TIDE_ over tunable over alias, in any order of the environment; of two equal ones the first.
static void test_priority(void) {
    static const char *const in_order[] = {
        "MALLOC_ARENA_MAX=2", "GLIBC_TUNABLES=glibc.malloc.arena_max=3", "TIDE_ARENAS=4"};
    static const unsigned char orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                               {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (unsigned i = 0; i < ARRAY_COUNT(orders); i++) {
        start(in_order[orders[i][0]], in_order[orders[i][1]], in_order[orders[i][2]]);
        CHECK(option(OPT_ARENAS) == 4 && options_origin(OPT_ARENAS) == ORIGIN_TIDE);
    }
    start(in_order[1], in_order[0], NULL);
    CHECK(option(OPT_ARENAS) == 3 && options_origin(OPT_ARENAS) == ORIGIN_TUNABLE);
    start("TIDE_ARENAS=5", "TIDE_ARENAS=6", NULL);
    CHECK(option(OPT_ARENAS) == 5);
}

// A bad value does not hide a good one, and the line names the value in force.
static void test_bad_beside_good(void) {
    start("TIDE_ARENAS=x", "MALLOC_ARENA_MAX=2", NULL);
    CHECK(option(OPT_ARENAS) == 2 && options_origin(OPT_ARENAS) == ORIGIN_ALIAS);
    CHECK_TEXT(fake_output(), "tidemalloc: TIDE_ARENAS=x: not a number; using 2\n");
    start("MALLOC_ARENA_MAX=y", "TIDE_ARENAS=8", NULL);
    CHECK_TEXT(fake_output(), "tidemalloc: MALLOC_ARENA_MAX=y: not a number; using 8\n");
}

// --- the running process -------------------------------------------------------------------------

static void test_live(void) {
    start("TIDE_CACHE=2M", NULL, NULL);
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = options_row((enum option_id)i);
        enum option_result       done = row->live ? OPTION_OK : OPTION_NOT_LIVE;
        uint64_t                 before = option((enum option_id)i);
        CHECK(options_set_text((enum option_id)i, cases[i].good) == done);
        CHECK(option((enum option_id)i) == (row->live ? cases[i].value : before));
        CHECK((options_origin((enum option_id)i) == ORIGIN_PROGRAM) == row->live);
        CHECK(options_set((enum option_id)i, row->max) == done);
    }
    CHECK(options_set_text(OPT_CACHE, "junk") == OPTION_MALFORMED);
    CHECK(options_set_text(OPT_CACHE, "") == OPTION_MALFORMED);
    CHECK(options_set_text(OPT_CACHE, "900T") == OPTION_RANGE);
    CHECK(options_set(OPT_CACHE, UINT64_MAX) == OPTION_RANGE);
    CHECK(options_set(OPT_HUGE_THRESHOLD, 0) == OPTION_RANGE);
    CHECK(options_set_text(OPT_CACHE, "64K") == OPTION_OK && option(OPT_CACHE) == KIB(64));
    CHECK(options_set(OPTION_COUNT, 1) == OPTION_UNKNOWN);
    CHECK(options_set_text(OPTION_COUNT, "1") == OPTION_UNKNOWN);
    CHECK_TEXT(fake_output(), "");  // setters never print
}

// What options_show writes, options_set_text and the environment read back to the same value.
static void test_show_round_trip(void) {
    static const uint64_t values[] = {0, 1, 2, 999, 1000, 1024, 1500, 60000, 65536, 90000, 3600000};
    char                  setting[LINE];
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = options_row((enum option_id)i);
        for (unsigned k = 0; k < ARRAY_COUNT(values); k++) {
            uint64_t value = options_nearest((enum option_id)i, values[k]);
            start(NULL, NULL, NULL);
            options_page.values[i] = value;
            join(setting, row->variable, "=", shown((enum option_id)i), "");
            expect_taken((enum option_id)i, setting, value, ORIGIN_TIDE);
        }
    }
}

static void test_show(void) {
    static const struct {
        enum option_id id;
        uint64_t       value;
        const char    *text;
    } texts[] = {
        {OPT_ARENAS, 0, "auto"},   {OPT_ARENAS, 12, "12"},     {OPT_CACHE, 0, "off"},
        {OPT_CACHE, 1536, "1536"}, {OPT_CACHE, MIB(64), "64M"}, {OPT_TOP_PAD, 0, "0"},
        {OPT_DECAY, 0, "off"},     {OPT_DECAY, 2000, "2s"},    {OPT_DECAY, 1500, "1500ms"},
        {OPT_DECAY, 120000, "2m"}, {OPT_DECAY, 3600000, "1h"}, {OPT_PURGE_PERCENT, 12, "12%"},
        {OPT_STATS, 0, "off"},     {OPT_STATS, 1, "text"},     {OPT_STATS, 2, "json"},
        {OPT_SOFT_LIMIT, 0, "off"},
        {OPT_SOFT_LIMIT, 100, "100%"},
        {OPT_HARD_LIMIT, 1, "1%"}, {OPT_HARD_LIMIT, MIB(1), "1M"},
        {OPT_FOREIGN, 1, "leak"},  {OPT_VERBOSE, 1, "on"},     {OPT_VERBOSE, 0, "off"},
    };
    start(NULL, NULL, NULL);
    for (unsigned i = 0; i < ARRAY_COUNT(texts); i++) {
        options_page.values[texts[i].id] = texts[i].value;
        CHECK_TEXT(shown(texts[i].id), texts[i].text);
    }
}

static void test_find(void) {
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        CHECK(options_find(options_row((enum option_id)i)->name) == i);
    CHECK(options_find("") == OPTION_COUNT);
    CHECK(options_find("TIDE_ARENAS") == OPTION_COUNT);
    CHECK(options_find("arena") == OPTION_COUNT);
    CHECK(options_find_mallopt(-3) == OPT_HUGE_THRESHOLD);
    CHECK(options_find_mallopt(-8) == OPT_ARENAS);
    CHECK(options_find_mallopt(1) == OPTION_COUNT);
    CHECK(options_find_mallopt(NO_MALLOPT) == OPTION_COUNT);
}

int main(void) {
    test_no_environment();
    test_every_option();
    test_bounds();
    test_exact_lines();
    test_unknown();
    test_hostile_values();
    test_value_length();
    test_spellings();
    test_aliases();
    test_alias_bounds();
    test_tunables();
    test_priority();
    test_bad_beside_good();
    test_live();
    test_show_round_trip();
    test_show();
    test_find();
    return 0;
}
