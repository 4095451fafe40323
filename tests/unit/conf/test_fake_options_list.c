// tests/unit/conf/test_fake_options_list.c - the table of options is sane, its listing aligned.
#include "conf/options.h"
#include "tests/support/fake_os.h"
#include "tests/unit/check_text.h"

enum { LINE = 400 };

static void test_rows_are_sane(void) {
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = options_row((enum option_id)i);
        CHECK(row->min <= row->max);
        CHECK(options_nearest((enum option_id)i, row->fallback) == row->fallback);
        CHECK(text_starts(row->variable, "TIDE_", NULL));
        CHECK(!row->alias || text_starts(row->alias, "MALLOC_", NULL));
        CHECK(row->type != OPTION_CHOICE || row->max >= 1);
        for (unsigned k = 0; k < i; k++)
            CHECK(!text_equal(row->name, options_row((enum option_id)k)->name));
    }
}

// Copies line `index` of the output; false when there are fewer.
static bool output_line(unsigned index, char *target) {
    const char *at = fake_output();
    for (; index && *at; at++)
        index -= *at == '\n';
    size_t length = 0;
    while (at[length] && at[length] != '\n') {
        CHECK(length < LINE - 1);
        target[length] = at[length];
        length++;
    }
    target[length] = 0;
    return length != 0;
}

static size_t find_text(const char *text, const char *wanted) {
    for (size_t at = 0; text[at]; at++)
        if (text_starts(text + at, wanted, NULL))
            return at;
    return SIZE_MAX;
}

static void test_list(void) {
    char line[LINE];
    char *environment[] = {(char *)"TIDE_CACHE=2M", (char *)"MALLOC_TRIM_THRESHOLD_=9M",
                           (char *)"GLIBC_TUNABLES=glibc.malloc.top_pad=65536", NULL};
    options_start(environment);
    CHECK(options_set(OPT_STATS, 2) == OPTION_OK);
    options_list(2, "9.8.7");
    CHECK(output_line(0, line));
    CHECK_TEXT(line, "tidemalloc 9.8.7");
    CHECK(output_line(1, line));
    CHECK_TEXT(line, "  TIDE_ARENAS=auto            (default)                 "
                     "most arenas; auto = processors the process may use");
    CHECK(output_line(1 + OPT_CACHE, line));
    CHECK(text_starts(line, "  TIDE_CACHE=2M               (environment)             most", NULL));
    CHECK(output_line(1 + OPT_TRIM_THRESHOLD, line));
    CHECK(text_starts(line, "  TIDE_TRIM_THRESHOLD=9M      (MALLOC_TRIM_THRESHOLD_)  free", NULL));
    CHECK(output_line(1 + OPT_TOP_PAD, line));
    CHECK(text_starts(line, "  TIDE_TOP_PAD=64K            (GLIBC_TUNABLES)          bytes", NULL));
    CHECK(output_line(1 + OPT_STATS, line));
    CHECK(text_starts(line, "  TIDE_STATS=json             (program)                 off|", NULL));
    CHECK(!output_line(1 + OPTION_COUNT, line));
    for (unsigned i = 0; i < OPTION_COUNT; i++) {  // aligned, whole, in the order of the table
        CHECK(output_line(1 + i, line));
        CHECK(text_starts(line + 2, options_row((enum option_id)i)->variable, NULL));
        CHECK(line[30] == '(' && line[29] == ' ');
        CHECK(find_text(line, options_row((enum option_id)i)->help) == 56);
    }
}

int main(void) {
    test_rows_are_sane();
    test_list();
    return 0;
}
